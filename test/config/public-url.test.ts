import { describe, expect, test } from 'vitest';
import { publicUrlOf } from '../../src/config/public-url.ts';
import { loaded } from './support.ts';

/** The public address of the one host of a config. */
async function of(host: string, server = '', open?: number): Promise<string> {
  const { config } = await loaded({ 'rtcd.yaml': server, 'conf.d/a.yaml': host });
  const [found] = config.hosts;
  if (found === undefined) expect.fail('there is no host');
  return publicUrlOf(config, found, open);
}
const FALCOT = 'virtualHost: falcot.com';

describe('the public address of a host', () => {
  test.each([
    ['the port of HTTPS', FALCOT, '', 'https://falcot.com:5281'],
    ['the usual one', FALCOT, 'listeners: { https: { port: 443 } }', 'https://falcot.com'],
    [
      'a proxy at the usual one, where we listen to none',
      FALCOT,
      'listeners: { https: { enabled: false } }',
      'https://falcot.com',
    ],
    [
      'letters of other scripts',
      'virtualHost: bücher.example',
      '',
      'https://xn--bcher-kva.example:5281',
    ],
    [
      'what the host says, without a slash at its end',
      `${FALCOT}\nhttp: { publicUrl: 'https://web.falcot.com/chat/' }`,
      '',
      'https://web.falcot.com/chat',
    ],
  ])('%s', async (_, host, server, url) => expect(await of(host, server)).toBe(url));

  test('the port that is open, where any will do', async () => {
    expect(await of(FALCOT, 'listeners: { https: { port: 0 } }', 40_001)).toBe(
      'https://falcot.com:40001',
    );
  });

  test('it is never in clear', async () => {
    await expect(of(`${FALCOT}\nhttp: { publicUrl: 'http://falcot.com' }`)).rejects.toThrow();
  });
});
