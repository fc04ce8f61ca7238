import { afterEach, describe, expect, test } from 'vitest';
import type { Restraint } from '../../../src/core/restraint.ts';
import { csi } from '../../../src/modules/csi/index.ts';
import { message } from '../../../src/stanza/build.ts';
import { serialise } from '../../../src/xml/element.ts';
import { parse, type Scene, startScene } from '../../support/scene.ts';

describe('XEP-0352: Client State Indication', () => {
  let scene: Scene;
  afterEach(() => scene.stop());

  const begin = async (settings: unknown = {}) => {
    scene = await startScene({
      modules: [csi],
      accounts: ['juliet@capulet.example'],
      settings: { csi: settings },
    });
    const [host] = scene.hosts.all();
    return host?.dispatch ?? expect.fail('no host');
  };
  const COMPOSING = parse("<composing xmlns='http://jabber.org/protocol/chatstates'/>");
  /** The rules that a client is given when it says that it is in a state. */
  const restraintIn = async (state: string, settings?: unknown) => {
    const { nonzas } = await begin(settings);
    const { session } = await scene.connect('juliet@capulet.example/phone');
    const told: (Restraint | undefined)[] = [];
    session.restrain = (restraint) => told.push(restraint);
    nonzas
      .get(`urn:xmpp:csi:0 ${state}`)
      ?.handle(session, parse(`<${state} xmlns='urn:xmpp:csi:0'/>`));
    expect(told).toHaveLength(1);
    const turn = (children = COMPOSING) =>
      told[0]?.turnOf(message({ from: session.jid, to: session.jid, children: [children] })).kind;
    return { restraint: told[0], turn };
  };

  test('§4.1 is offered after authentication only', async () => {
    const dispatch = await begin();
    const [host] = scene.hosts.all();
    const offered = (phase: 'early' | 'authenticated') =>
      dispatch.streamFeatures({ host: host?.domain ?? expect.fail(), phase }).map(serialise);
    expect(offered('authenticated')).toEqual(['<csi xmlns="urn:xmpp:csi:0"/>']);
    expect(offered('early')).toEqual([]);
  });

  test('§4.2 an inactive client is held back from, an active one is not', async () => {
    const { restraint, turn } = await restraintIn('inactive');
    expect(restraint).toMatchObject({ maxStanzas: 250, maxBytes: 200_000 });
    expect(turn()).toBe('later');
    await scene.stop();
    expect((await restraintIn('active')).restraint).toBeUndefined();
  });

  test('§3.2 an admin says what is held back, and how much', async () => {
    const { restraint, turn } = await restraintIn('inactive', {
      hold: ['presence'],
      maxStanzas: 5,
    });
    expect(restraint).toMatchObject({ maxStanzas: 5 });
    expect(turn()).toBe('now');
  });
});
