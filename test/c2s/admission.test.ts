/** What a login by SASL2 asks for besides, in its order, with features that take their time. */
import { afterEach, describe, expect, test } from 'vitest';
import { admit, type Newcomer } from '../../src/c2s/admission.ts';
import type { Link } from '../../src/c2s/link.ts';
import type { C2sServices } from '../../src/c2s/services.ts';
import { ClientSession } from '../../src/c2s/session.ts';
import type { BindFeature } from '../../src/core/bind-feature.ts';
import { defineModule } from '../../src/core/module.ts';
import { type BareJid, type FullJid, parseBare, resourceOf } from '../../src/jid/jid.ts';
import { readLoginRequest } from '../../src/stream/login-request.ts';
import { el, serialise } from '../../src/xml/element.ts';
import { c2sServices } from '../support/c2s.ts';
import { agent, bind2, PHONE, requestToken } from '../support/sasl2.ts';
import { parse, type Scene, startScene } from '../support/scene.ts';

const parsed = parseBare('juliet@capulet.example');
if (!parsed.ok) throw new Error(parsed.why);
const JULIET: BareJid = parsed.value;
const SLOW = 'urn:example:slow';

let scene: Scene;
afterEach(() => scene.stop());

/** A stage with features that modules bring. */
async function stage(bindFeatures: readonly BindFeature[]) {
  const module = defineModule({ name: 'slow', specs: [], setup: () => ({ bindFeatures }) });
  scene = await startScene({ modules: [module], accounts: [JULIET, 'romeo@capulet.example'] });
  return c2sServices(scene);
}

/** A client that has proved who it is, with what it asks for. */
function newcomer(inner: string, services: C2sServices) {
  const read = readLoginRequest(
    parse(`<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>${inner}</authenticate>`),
  );
  if (!read.ok) throw new Error(read.text);
  const written: string[] = [];
  const faults: string[] = [];
  const link: Link = {
    id: 'stream',
    remote: '127.0.0.1',
    lastActive: scene.clock.now(),
    isOver: false,
    position: 0,
    gone: 0,
    goneByGoodbye: 0,
    waiting: 0,
    write: (text) => void written.push(text),
    end: ({ condition }) => void written.push(`end ${condition}`),
    allow: () => {},
    replaced: () => {},
    note: () => {},
  };
  const sessions: ClientSession[] = [];
  const client: Newcomer = {
    account: JULIET,
    request: read.value,
    login: {
      since: scene.accounts.moment,
      isByPassword: true,
      token: undefined,
      step: () => Promise.reject(new Error('it is over')),
    },
    mechanism: 'PLAIN',
    tokenMechanisms: ['HT-SHA-256-NONE'],
    remote: '127.0.0.1',
    isGone: () => false,
    open(jid: FullJid, device) {
      if (services.sessions.at(jid) !== undefined) return undefined;
      const session = new ClientSession(link, services, {
        jid,
        isAnonymous: false,
        language: undefined,
        security: { protocol: 'TLSv1.3', cipher: undefined, mechanism: 'PLAIN' },
        device,
        isBind2: true,
      });
      session.keep();
      services.sessions.add(session);
      sessions.push(session);
      return session;
    },
    resume: async () => ({ handled: undefined }),
    fault: (error) => void faults.push(String(error)),
  };
  return { client, written, faults, sessions };
}

/** A feature that waits for a gate. */
function slow(result = el('done', { xmlns: SLOW })) {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const begun: (string | undefined)[] = [];
  const feature: BindFeature = {
    announced: SLOW,
    ns: SLOW,
    async bind(_, request) {
      begun.push(request?.name);
      await gate;
      return result;
    },
  };
  return { feature, begun, open: () => open() };
}

describe('XEP-0386 §3.2', () => {
  test('what comes while features are prepared waits, in order, until the client knows', async () => {
    const { feature, begun, open } = slow();
    const services = await stage([feature]);
    const { client, written, sessions } = newcomer(
      agent(PHONE) + bind2(`<please xmlns='${SLOW}'/>`),
      services,
    );
    const admission = admit(client, services);
    await expect.poll(() => begun).toEqual(['please']);
    const romeo = await scene.connect('romeo@capulet.example/orchard');
    const [session] = sessions;
    for (const text of ['first', 'second'])
      await romeo.send(`<message to='${session?.jid}' type='chat'><body>${text}</body></message>`);
    expect(written).toEqual([]);
    open();
    expect(await admission).toMatchObject({ kind: 'bound', jid: session?.jid });
    expect(written).toEqual([]);
    session?.tell();
    expect(written.map((text) => />(first|second)</.exec(text)?.[1])).toEqual(['first', 'second']);
  });

  test('all features are begun in the turn in which the session is bound', async () => {
    const order: string[] = [];
    const { feature, open } = slow();
    const quick: BindFeature = {
      announced: undefined,
      ns: 'urn:example:quick',
      bind(session) {
        order.push(`quick ${scene.sessions.at(session.jid) === session}`);
        return undefined;
      },
    };
    const services = await stage([feature, quick]);
    const { client, sessions } = newcomer(agent(PHONE) + bind2(), services);
    const admission = admit(client, services);
    await expect.poll(() => sessions.length).toBe(1);
    expect(order).toEqual(['quick true']);
    open();
    await admission;
  });

  test('one that fails is left out, and told of', async () => {
    const broken: BindFeature = {
      announced: undefined,
      ns: 'urn:example:broken',
      bind: () => {
        throw new Error('out of order');
      },
    };
    const fine: BindFeature = {
      announced: undefined,
      ns: 'urn:example:fine',
      bind: () => el('metadata', { xmlns: 'urn:xmpp:mam:2' }),
    };
    const services = await stage([broken, fine]);
    const { client, faults } = newcomer(agent(PHONE) + bind2(), services);
    const admission = await admit(client, services);
    const parts = admission?.kind === 'bound' ? admission.parts.map(serialise) : [];
    expect(parts).toEqual([
      '<bound xmlns="urn:xmpp:bind:0"><metadata xmlns="urn:xmpp:mam:2"/></bound>',
    ]);
    expect(faults).toEqual(['Error: out of order']);
  });

  test('a session says that it was bound so, and by which device', async () => {
    const services = await stage([]);
    const { client, sessions } = newcomer(agent(PHONE) + bind2(), services);
    await admit(client, services);
    expect(sessions[0]).toMatchObject({
      isBind2: true,
      device: { kind: 'agent', software: 'AwesomeXMPP', name: "Kiva's Phone" },
    });
    const [device] = await scene.devices.list(JULIET);
    expect(device).toMatchObject({
      id: sessions[0]?.device?.id,
      knowsPassword: true,
      resource: sessions[0] && resourceOf(sessions[0].jid),
    });
  });
});

describe('what is withdrawn while somebody logs in', () => {
  test.each([
    ['the password', () => scene.accounts.setPassword(JULIET, 'another')],
    ['the account', () => scene.accounts.setLocked(JULIET, true)],
  ])('%s: he is refused, and his session ends', async (_, withdraw) => {
    const { feature, begun, open } = slow();
    const services = await stage([feature]);
    const { client, written } = newcomer(agent(PHONE) + bind2(), services);
    const admission = admit(client, services);
    await expect.poll(() => begun.length).toBe(1);
    await withdraw();
    open();
    expect(await admission).toEqual({ kind: 'refused', condition: 'not-authorized' });
    expect(written).toEqual(['end not-authorized']);
  });

  test('with no session asked for he is refused too, and hears of no token', async () => {
    const services = await stage([]);
    const { client } = newcomer(agent(PHONE) + requestToken(), services);
    await scene.accounts.setPassword(JULIET, 'another');
    expect(await admit(client, services)).toEqual({ kind: 'refused', condition: 'not-authorized' });
  });

  test('a token that was given out before the change is void after it', async () => {
    const services = await stage([]);
    const { client } = newcomer(agent(PHONE) + requestToken(), services);
    expect((await admit(client, services))?.kind).toBe('authenticated');
    const [device] = await scene.devices.list(JULIET);
    expect(device?.hasToken).toBe(true);
    await scene.accounts.setPassword(JULIET, 'another');
    expect(await scene.devices.list(JULIET)).toMatchObject([
      { hasToken: false, knowsPassword: false },
    ]);
  });
});
