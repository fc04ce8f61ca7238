import { describe, expect, test } from 'vitest';
import { createRedirects, MAX_REDIRECTS, readOtherHost } from '../../src/s2s/redirect.ts';
import type { Resolved, Target } from '../../src/s2s/resolver.ts';

describe('RFC 6120 §4.9.3.19: see-other-host', () => {
  test.each([
    ['other.example', 'other.example', undefined],
    [' other.example:5270 ', 'other.example', 5270],
    ['192.0.2.7:1', '192.0.2.7', 1],
    ['[2001:db8::1]', '[2001:db8::1]', undefined],
    ['[2001:DB8::1]:5269', '[2001:db8::1]', 5269],
  ])('%s', (text, name, port) => {
    expect(readOtherHost(text)).toEqual({ domain: name, port });
  });

  test.each(['', ':5269', 'other.example:0', 'other.example:65536', 'a b', '2001:db8::1', 'x:y:1'])(
    '%j is no host',
    (text) => expect(readOtherHost(text)).toBeUndefined(),
  );
});

describe('redirects of one attempt', () => {
  const target: Target = {
    host: 'srv.example',
    port: 5269,
    isDirectTls: false,
    srvName: '_xmpp-server._tcp.srv.example',
    priority: 0,
    weight: 0,
    isSecure: true,
  };
  const resolve = async (): Promise<Resolved> => ({
    ok: true,
    targets: [target],
    from: 'srv',
    ttl: 1,
    isSecure: true,
    remarks: [],
  });
  const hosts = (targets: readonly Target[]) => targets.map(({ host, port }) => `${host}:${port}`);

  test('go where the records of the other host lead, or to the port that is named', async () => {
    const redirects = createRedirects({ resolve });
    const [found] = await redirects.follow('other.example', true);
    expect(found).toEqual({ ...target, isSecure: false }); // a server said so, not DNS
    expect(await redirects.follow('[2001:db8::1]:5280', true)).toMatchObject([
      { host: '2001:db8::1', port: 5280, isDirectTls: true, isSecure: false },
    ]);
  });

  test('do not go in a circle, by name or address', async () => {
    const redirects = createRedirects({ resolve });
    redirects.visit({ ...target, port: 5280 }, '192.0.2.7');
    expect(hosts(await redirects.follow('srv.example:5280', false))).toEqual([]);
    expect(hosts(await redirects.follow('192.0.2.7:5280', false))).toEqual([]);
  });

  test('end after a few', async () => {
    const redirects = createRedirects({ resolve });
    for (let count = 0; count < MAX_REDIRECTS; count += 1)
      expect(await redirects.follow(`h${count}.example:1`, false)).toHaveLength(1);
    expect(await redirects.follow('last.example:1', false)).toEqual([]);
  });
});
