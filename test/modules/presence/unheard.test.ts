/** RFC 6121 §3: what is said of subscriptions to another domain that cannot be reached. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { presence } from '../../../src/modules/presence/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { readStored } from '../../../src/stanza/stored.ts';
import { domain } from '../../certs/support.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const OURS = domain('montague.example');
const FAR = domain('far.example');
const ROMEO = 'romeo@montague.example';
const ROSALINE = 'rosaline@far.example';
const HOUR = 3_600_000;

let scene: Scene;
let romeo: Actor;
/** What was sent to the other domain, and whether that is there. */
let sent: string[];
let isThere: boolean;
beforeEach(async () => {
  scene = await startScene({ modules: [roster, presence], accounts: [ROMEO] });
  sent = [];
  isThere = true;
  scene.router.useRemote((stanza) => {
    if (!isThere) return { kind: 'bounce', failure: { condition: 'remote-server-timeout' } };
    sent.push(`${stanza.type} ${stanza.from} ${stanza.to}`);
    return { kind: 'handled' };
  });
  romeo = await come('orchard');
});
afterEach(() => scene.stop());

async function come(resource: string): Promise<Actor> {
  const actor = await scene.connect(`${ROMEO}/${resource}`);
  await actor.send('<presence/>');
  return actor;
}

/** A stanza comes from the other domain. */
async function comes(type: string, children = '', from = ROSALINE, id = ''): Promise<void> {
  const xml = `<presence type='${type}' from='${from}' to='${ROMEO}' id='${id}'>${children}</presence>`;
  const stanza = readStored(xml);
  if (stanza === undefined) return expect.fail(xml);
  await scene.router.route(stanza);
}

const says = (type: string) => romeo.send(`<presence type='${type}' to='${ROSALINE}'/>`);

/** Says it while the other domain is out of reach. */
async function saysInVain(type: string): Promise<void> {
  isThere = false;
  await says(type);
  isThere = true;
  sent.length = 0;
}

async function isAgain(far = FAR, host = OURS): Promise<void> {
  for (const hook of scene.hosts.get(OURS)?.dispatch.domainChanged ?? [])
    await hook(far, 'again', host);
}

const subscribed = (): string[] => sent.filter((line) => /sub/.test(line));

describe('RFC 6121 §3: who could not be reached hears how things are when he can be', () => {
  test('§3.3 that one does not want his presence any more', async () => {
    await says('subscribe');
    await comes('subscribed');
    await saysInVain('unsubscribe');
    await isAgain(domain('near.example'));
    await isAgain(FAR, domain('other.example'));
    expect(sent).toEqual([]);
    await isAgain();
    expect(sent).toEqual([`unsubscribe ${ROMEO} ${ROSALINE}`, `unsubscribed ${ROMEO} ${ROSALINE}`]);
    sent.length = 0;
    await isAgain();
    expect(sent).toEqual([]);
  });

  test('§3.1.5 that he may see one, and what there is to see', async () => {
    await comes('subscribe');
    await saysInVain('subscribed');
    await isAgain();
    expect(sent).toEqual([
      `unsubscribe ${ROMEO} ${ROSALINE}`,
      `subscribed ${ROMEO} ${ROSALINE}`,
      `available ${romeo.jid} ${ROSALINE}`,
    ]);
  });

  test('§3.2 that he may not see one any more, though he is in the roster no longer', async () => {
    await comes('subscribe');
    await says('subscribed');
    isThere = false;
    await romeo.ask(
      'set',
      `<query xmlns='jabber:iq:roster'><item jid='${ROSALINE}' subscription='remove'/></query>`,
    );
    isThere = true;
    sent.length = 0;
    await isAgain();
    expect(sent).toEqual([`unsubscribe ${ROMEO} ${ROSALINE}`, `unsubscribed ${ROMEO} ${ROSALINE}`]);
  });

  test('§3.1.2 what is asked for at that time; what was said before is overtaken', async () => {
    await saysInVain('subscribe');
    await saysInVain('unsubscribe');
    await saysInVain('subscribe');
    await isAgain();
    expect(sent).toEqual([`subscribe ${ROMEO} ${ROSALINE}`, `unsubscribed ${ROMEO} ${ROSALINE}`]);
  });

  test('and again, if it comes back once more', async () => {
    await saysInVain('subscribe');
    isThere = false;
    await isAgain();
    isThere = true;
    await isAgain();
    expect(sent).toEqual([`subscribe ${ROMEO} ${ROSALINE}`, `unsubscribed ${ROMEO} ${ROSALINE}`]);
  });

  test('when the user comes: after a restart, and then after some time', async () => {
    await saysInVain('subscribe');
    await saysInVain('unsubscribe');
    await come('street');
    expect(subscribed()).toHaveLength(2);
    await saysInVain('unsubscribe');
    await come('hall');
    expect(subscribed()).toEqual([]);
    scene.clock.advance(25 * HOUR);
    await come('garden');
    expect(subscribed()).toHaveLength(2);
  });
});

describe('nobody else is told anything', () => {
  const error = (condition: string) =>
    `<error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`;

  test('who answers with an error has heard it', async () => {
    await says('subscribe');
    await comes('error', error('item-not-found'));
    sent.length = 0;
    await isAgain();
    expect(sent).toEqual([]);
  });

  test('who sends errors unasked', async () => {
    await comes('error', error('remote-server-timeout'), 'stranger@far.example');
    await isAgain();
    expect(sent).toEqual([]);
  });

  test('whom a probe did not reach', async () => {
    await says('subscribe');
    await comes('subscribed');
    isThere = false;
    romeo.inbox.length = 0;
    await come('street'); // asks for his presence
    isThere = true;
    sent.length = 0;
    await isAgain();
    expect(subscribed()).toEqual([]);
  });

  test('whom an account had to do with that is removed', async () => {
    await says('subscribe');
    await comes('subscribed');
    await saysInVain('unsubscribe');
    for (const hook of scene.hosts.get(OURS)?.dispatch.accountRemoved ?? [])
      await hook(romeo.session.account);
    sent.length = 0;
    await isAgain();
    expect(sent).toEqual([]);
  });
});

test('what is to be said outlives the server, for a month', async () => {
  await scene.stop();
  scene = await startScene({ modules: [roster, presence], accounts: [ROMEO] });
  scene.router.useRemote((stanza) => {
    sent.push(`${stanza.type} ${stanza.from} ${stanza.to}`);
    return { kind: 'handled' };
  });
  const now = scene.clock.now();
  const db = scene.store.tables<{
    presence_unheard: { account: string; contact: string; since: number };
  }>();
  await scene.store.write(
    db.insertInto('presence_unheard').values([
      { account: ROMEO, contact: ROSALINE, since: now - 29 * 24 * HOUR },
      { account: ROMEO, contact: 'paris@far.example', since: now - 31 * 24 * HOUR },
    ]),
  );
  await isAgain();
  expect(sent).toEqual([`unsubscribe ${ROMEO} ${ROSALINE}`, `unsubscribed ${ROMEO} ${ROSALINE}`]);
});
