import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/kit/log.ts';

/** A log that keeps its lines. */
function lines() {
  const written: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void written.push(JSON.parse(line)) };
  return { written, destination };
}

describe('the log', () => {
  test('each area has a level, which can be changed while it runs', () => {
    const { written, destination } = lines();
    const log = createLog({ level: 'warn', areas: { c2s: 'debug' }, format: 'json', destination });
    const store = log.area('store');
    log.area('c2s').debug('one');
    store.info('hidden');
    log.setLevel('info');
    store.info('two');
    log.setLevel('error', 'store');
    store.warn('hidden');
    expect(written.map(({ msg }) => msg)).toEqual(['one', 'two']);
    expect(log.levels()).toEqual({ '*': 'info', c2s: 'debug', store: 'error' });
    log.reset({ level: 'warn' });
    expect(log.levels()).toEqual({ '*': 'warn', c2s: 'warn', store: 'warn' });
  });

  test('a child carries its bindings and follows its area', () => {
    const { written, destination } = lines();
    const log = createLog({ level: 'info', format: 'json', destination });
    log.area('c2s').child({ stream: 's1' }).info({ account: 'a@b' }, 'hello');
    expect(written[0]).toMatchObject({ area: 'c2s', stream: 's1', account: 'a@b', msg: 'hello' });
  });
});
