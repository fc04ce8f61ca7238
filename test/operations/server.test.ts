import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatFault } from '../../src/config/check.ts';
import { certificate, type Desk, setDesk, stanza } from './support.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await setDesk(['jo@falcot.com', 'bob@other.example']);
});
afterEach(() => desk.stop());

describe('sessions', () => {
  test('are listed by host and search, in pages', async () => {
    for (const jid of ['jo@falcot.com/b', 'jo@falcot.com/a', 'bob@other.example/x'])
      await desk.scene.connect(jid);
    const all = await desk.value('sessions.list', { limit: 2 });
    expect(all).toMatchObject({
      total: 3,
      sessions: [{ jid: 'bob@other.example/x' }, { jid: 'jo@falcot.com/a' }],
    });
    const some = await desk.value('sessions.list', { host: 'falcot.com', search: '/B' });
    expect(some).toMatchObject({ total: 1, sessions: [{ jid: 'jo@falcot.com/b' }] });
    expect(await desk.refusal('sessions.list', { host: 'far.example' })).toMatch(/not served/);
  });

  test('of an account are kicked, or one of them', async () => {
    const a = await desk.scene.connect('jo@falcot.com/a');
    const b = await desk.scene.connect('jo@falcot.com/b');
    expect(await desk.value('sessions.kick', { jid: 'jo@falcot.com/a' })).toEqual({ ended: 1 });
    expect([a.endedWith, b.endedWith]).toEqual(['policy-violation', undefined]);
    expect(await desk.value('sessions.kick', { jid: 'jo@falcot.com' })).toEqual({ ended: 1 });
    expect(b.endedWith).toBe('policy-violation');
  });

  test('that are not there: says which are, or whose account is meant', async () => {
    await desk.scene.connect('jo@falcot.com/a');
    expect(await desk.refusal('sessions.kick', { jid: 'jo@falcot.com/z' })).toBe(
      'not-found: jo@falcot.com/z is not online; sessions: jo@falcot.com/a',
    );
    expect(await desk.refusal('sessions.kick', { jid: 'joe@falcot.com' })).toMatch(
      /mean jo@falcot/,
    );
    expect(await desk.refusal('sessions.kick', { jid: 'bob@other.example' })).toBe(
      'not-found: bob@other.example has no session.',
    );
  });
});

test('hosts.list counts accounts and sessions, and tells of the certificate', async () => {
  desk.world.certificates = [certificate('falcot.com')];
  await desk.scene.connect('jo@falcot.com/a');
  const { hosts } = await desk.value('hosts.list');
  expect(hosts).toMatchObject([
    {
      domain: 'falcot.com',
      accounts: 1,
      sessions: 1,
      certificate: { issuer: "Let's Encrypt R11", names: ['falcot.com'] },
    },
    { domain: 'other.example', accounts: 1, sessions: 0, certificate: null },
  ]);
});

test('server.status tells how long it runs, and what of', async () => {
  desk.scene.clock.advance(90_500);
  expect(await desk.value('server.status')).toMatchObject({
    version: '1.2.3',
    uptimeSeconds: 90,
    accounts: 2,
    hosts: ['falcot.com', 'other.example'],
    hasAdmin: false,
    configFile: '',
    store: { bytes: 2048 },
  });
});

test('server.about lists what is implemented', async () => {
  const { specs } = await desk.value('server.about');
  expect(specs).toMatchObject([{ spec: 'XEP-0199', covers: 'complete' }]);
});

describe('the config', () => {
  const fault = {
    file: '/etc/rtcd/rtcd.yaml',
    line: 3,
    column: 1,
    key: 'limts',
    message: 'is not known',
  };

  test('is taken anew, or refused with all its faults', async () => {
    expect(await desk.value('server.reload')).toEqual({ changed: ['log.level'], warnings: [] });
    desk.world.faults = [fault];
    const said = await desk.refusal('server.reload');
    expect(said).toContain('the one in force stays');
    expect(said).toContain('/etc/rtcd/rtcd.yaml:3:1 limts: is not known');
  });

  test('is checked', async () => {
    expect(await desk.value('config.check')).toEqual({ healthy: true, faults: [], warnings: [] });
    desk.world.faults = [fault];
    const found = { healthy: false, faults: [fault], warnings: [] };
    expect(await desk.value('config.check')).toEqual(found);
    const present = desk.operations.find('config.check')?.present;
    expect(present?.(found)).toContain('One fault.');
    const lacking = { healthy: true, faults: [], warnings: [fault] };
    expect(present?.(lacking)).toBe(
      `warning: ${formatFault(fault)}\nA reload would take it; mind the warnings.`,
    );
  });

  test('is shown and explained', async () => {
    expect(await desk.value('config.show')).toEqual({ text: 'listeners: …\n' });
    expect(await desk.value('config.reference')).toEqual({ text: 'all keys' });
  });
});

describe('certificates', () => {
  test('are listed, made and requested', async () => {
    const made = await desk.value('certificates.generate', { domain: 'falcot.com' });
    expect(made).toMatchObject({ source: 'self-signed', issuer: 'self-signed' });
    expect(await desk.value('certificates.list')).toMatchObject({
      certificates: [{ domain: 'falcot.com' }],
    });
    expect(await desk.value('certificates.request', { domain: 'falcot.com' })).toMatchObject({
      csr: 'CSR for falcot.com\n',
    });
  });

  test('are not made for a domain that is not served', async () => {
    const said = await desk.refusal('certificates.generate', { domain: 'far.example' });
    expect(said).toMatch(/^not-found: far.example is not served/);
  });

  test('that are brought and do not fit are refused with all reasons; the key is not logged', async () => {
    const input = { domain: 'falcot.com', certificate: 'CERT', key: 'VERY SECRET' };
    expect(await desk.refusal('certificates.import', input)).toBe(
      'refused: It was not taken: it does not name it; it expired.',
    );
    expect(desk.imported).toEqual([input]);
    expect(JSON.stringify(await desk.value('audit.list'))).not.toContain('VERY SECRET');
  });
});

describe('the log', () => {
  test('has levels that can be set, for all or for an area', async () => {
    const levels = await desk.value('log.level', { level: 'debug', area: 'store' });
    expect(levels['levels']).toContainEqual({ area: 'store', level: 'debug' });
    const all = await desk.value('log.level', { level: 'fatal' });
    expect(all['levels']).toContainEqual({ area: '*', level: 'fatal' });
    expect(await desk.value('log.levels')).toEqual(all);
  });

  test('has only the areas that it has', async () => {
    const said = await desk.refusal('log.level', { level: 'debug', area: 'stroe' });
    expect(said).toBe('not-found: There is no area stroe; did you mean store?');
  });
});

describe('the audit log', () => {
  test('is read in pages, newest first', async () => {
    for (const level of ['debug', 'info', 'warn']) await desk.value('log.level', { level });
    const first = (await desk.value('audit.list', { limit: 2 }))['entries'] as { id: number }[];
    expect(first.map(({ id }) => id)).toEqual([3, 2]);
    const { entries } = await desk.value('audit.list', { before: 2 });
    expect(entries).toMatchObject([{ id: 1, input: '{"level":"debug"}' }]);
  });
});

describe('watch.account', () => {
  const start = async () => {
    const outcome = await desk.run('watch.account', { jid: 'jo@falcot.com', seconds: 5 });
    if (!outcome.ok) throw new Error(outcome.text);
    return (outcome.value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  };

  test('tells the stanzas of the account, masked, and ends with its time', async () => {
    const entries = await start();
    const jo = await desk.scene.connect('jo@falcot.com/a');
    const bob = await desk.scene.connect('bob@other.example/b');
    const said = stanza('<message to="a@b.example"><body>secret</body></message>', jo.jid);
    desk.watch.record(jo.session.account, 'in', 'stream-a', said);
    desk.watch.record(bob.session.account, 'in', 'stream-b', said);
    desk.scene.clock.advance(5000);
    const first = await entries.next();
    expect(first.value).toMatchObject({ direction: 'in', stream: 'stream-a' });
    expect(JSON.stringify(first.value)).not.toContain('secret');
    expect(await entries.next()).toMatchObject({ done: true });
    expect(desk.watch.isActive).toBe(false);
  });

  test('that nobody reads gives its place back', async () => {
    const entries = await start();
    await entries.return?.();
    expect(desk.watch.isActive).toBe(false);
    await start();
    desk.scene.clock.advance(5000);
    expect(desk.watch.isActive).toBe(false);
  });

  test('ends at once when its reader leaves while it waits', async () => {
    const entries = await start();
    const waiting = entries.next();
    expect(desk.watch.isActive).toBe(true);
    await entries.return?.();
    expect(await waiting).toMatchObject({ done: true });
    expect(desk.watch.isActive).toBe(false);
  });

  test('is written to the audit log: who looked at whom', async () => {
    const entries = await start();
    await entries.return?.();
    expect(await desk.audit.list({ limit: 1 })).toMatchObject([
      { actor: 'root', operation: 'watch.account', outcome: 'done' },
    ]);
  });

  test('is refused for nobody, and when too many run', async () => {
    expect(await desk.refusal('watch.account', { jid: 'joe@falcot.com' })).toMatch(
      /mean jo@falcot/,
    );
    expect(await desk.refusal('watch.account', { jid: 'jo@falcot.com', seconds: 601 })).toMatch(
      /^invalid-input/,
    );
    const running = await Promise.all(Array.from({ length: 8 }, start));
    expect(await desk.refusal('watch.account', { jid: 'jo@falcot.com' })).toMatch(/^unavailable/);
    for (const entries of running) {
      const waiting = entries.next();
      await entries.return?.();
      await waiting;
    }
  });
});
