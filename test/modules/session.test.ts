import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { session } from '../../src/modules/session.ts';
import { iqSet } from '../../src/stanza/build.ts';
import { serialise } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, parse, type Scene, startScene } from '../support/scene.ts';

const SESSION = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>";

describe('RFC 3921 §3: session establishment', () => {
  let scene: Scene;
  let juliet: Actor;
  beforeEach(async () => {
    scene = await startScene({ modules: [session], accounts: ['juliet@example.com'] });
    juliet = await scene.connect('juliet@example.com/balcony');
  });
  afterEach(() => scene.stop());

  test.each(['example.com', undefined])('§3 a session may be asked for (to %s)', async (to) => {
    expect(resultIn(await juliet.ask('set', SESSION, to))).toBe('');
  });

  test('it is offered as optional, once authenticated', () => {
    const [host] = scene.hosts.all();
    if (host === undefined) expect.fail('no host');
    const offered = (phase: 'early' | 'authenticated') =>
      host.dispatch.streamFeatures({ host: host.domain, phase }).map(serialise);
    expect(offered('early')).toEqual([]);
    expect(offered('authenticated')).toEqual([
      '<session xmlns="urn:ietf:params:xml:ns:xmpp-session"><optional/></session>',
    ]);
  });

  test('who has no stream here can have no session', async () => {
    const { domain } = scene.hosts.all()[0] ?? expect.fail('no host');
    // As if it came from elsewhere: it is routed without a session.
    await scene.router.route(iqSet({ from: juliet.jid, to: domain, payload: parse(SESSION) }));
    expect(conditionIn(await juliet.next())).toBe('service-unavailable');
  });
});
