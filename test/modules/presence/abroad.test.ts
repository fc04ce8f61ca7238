/** What is seen of other domains, and what becomes of it when they are beyond reach. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { presence } from '../../../src/modules/presence/index.ts';
import { createSeen } from '../../../src/modules/presence/seen.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { readStored } from '../../../src/stanza/stored.ts';
import type { Element } from '../../../src/xml/element.ts';
import { domain } from '../../certs/support.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const OURS = domain('montague.example');
const FAR = domain('far.example');
const ROMEO = 'romeo@montague.example';
const ROSALINE = 'rosaline@far.example';

const short = ({ attrs }: Element) => `${attrs.type ?? 'available'} ${attrs.from}`;
const heard = (actor: Actor) => actor.inbox.splice(0).map(short);

let scene: Scene;
let romeo: Actor;
/** What was sent to the other domain. */
let sent: string[];
/** The id of the last of them. */
let sentId: string | undefined;
beforeEach(async () => {
  scene = await startScene({ modules: [roster, presence], accounts: [ROMEO] });
  sent = [];
  scene.router.useRemote((stanza) => {
    sent.push(`${stanza.type} ${stanza.from} ${stanza.to}`);
    sentId = stanza.id;
    return { kind: 'handled' };
  });
  romeo = await scene.connect(`${ROMEO}/orchard`);
  await romeo.ask('get', "<query xmlns='jabber:iq:roster'/>");
  await romeo.send('<presence/>');
  await romeo.send(`<presence type='subscribe' to='${ROSALINE}'/>`);
  await comes(`<presence type='subscribed' from='${ROSALINE}' to='${ROMEO}'/>`);
  romeo.inbox.length = 0;
  sent.length = 0;
});
afterEach(() => scene.stop());

/** A stanza comes from the other domain. */
async function comes(xml: string): Promise<void> {
  const stanza = readStored(xml);
  if (stanza === undefined) return expect.fail(xml);
  await scene.router.route(stanza);
}

const appears = (from: string, to = ROMEO) => comes(`<presence from='${from}' to='${to}'/>`);

async function changed(now: 'gone' | 'again', far = FAR): Promise<void> {
  for (const hook of scene.hosts.get(OURS)?.dispatch.domainChanged ?? [])
    await hook(far, now, OURS);
}

describe('RFC 6121 §4.5: a domain that is beyond reach', () => {
  test('whoever was seen there is gone, for those who saw him', async () => {
    await appears(`${ROSALINE}/garden`);
    await appears(`${ROSALINE}/phone`);
    await appears('room@far.example/romeo', `${ROMEO}/orchard`);
    await appears('peter@near.example/hall');
    const other = await scene.connect(`${ROMEO}/street`);
    romeo.inbox.length = 0;
    await changed('gone');
    expect(heard(romeo).sort()).toEqual([
      'unavailable room@far.example/romeo',
      `unavailable ${ROSALINE}/garden`,
      `unavailable ${ROSALINE}/phone`,
    ]);
    expect(heard(other)).toEqual([]); // it has sent no presence
    await changed('gone');
    expect(heard(romeo)).toEqual([]);
  });

  test('who said goodbye before is not told of again; nor are those of another host', async () => {
    await appears(`${ROSALINE}/garden`);
    await comes(`<presence type='unavailable' from='${ROSALINE}/garden' to='${ROMEO}'/>`);
    await appears(`${ROSALINE}/phone`);
    romeo.inbox.length = 0;
    for (const hook of scene.hosts.get(OURS)?.dispatch.domainChanged ?? [])
      await hook(FAR, 'gone', domain('other.example'));
    expect(heard(romeo)).toEqual([]);
    await changed('gone');
    expect(heard(romeo)).toEqual([`unavailable ${ROSALINE}/phone`]);
  });

  test('§4.3: they are asked when it is there again, if one may ask', async () => {
    await appears(`${ROSALINE}/garden`);
    await appears('stranger@far.example/x');
    await changed('gone');
    await changed('again');
    expect(sent).toEqual([`probe ${ROMEO} ${ROSALINE}`]);
    sent.length = 0;
    await changed('again');
    expect(sent).toEqual([]);
  });

  test('§4.3: and again, if the way breaks before they were reached; nobody else who sends errors', async () => {
    await appears(`${ROSALINE}/garden`);
    await changed('gone');
    await changed('again');
    sent.length = 0;
    const unreached =
      "<error type='wait'><remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    for (const from of [ROSALINE, 'stranger@far.example'])
      await comes(
        `<presence type='error' from='${from}' to='${ROMEO}' id='${sentId}'>${unreached}</presence>`,
      );
    await changed('again');
    expect(sent).toEqual([`probe ${ROMEO} ${ROSALINE}`]);
  });

  test('nobody asks for somebody who has left', async () => {
    await appears(`${ROSALINE}/garden`);
    await changed('gone');
    await romeo.disconnect();
    sent.length = 0;
    await changed('again');
    expect(sent).toEqual([]);
  });
});

describe('RFC 6121 §4.3: a domain that may have forgotten what it told', () => {
  test('who is still there says so; who does not is gone after a while', async () => {
    await appears(`${ROSALINE}/garden`);
    await appears(`${ROSALINE}/phone`);
    romeo.inbox.length = 0;
    await changed('again');
    expect(sent).toEqual([`probe ${ROMEO} ${ROSALINE}`]);
    await appears(`${ROSALINE}/phone`);
    romeo.inbox.length = 0;
    scene.clock.advance(30_000);
    expect(heard(romeo)).toEqual([`unavailable ${ROSALINE}/garden`]);
    scene.clock.advance(30_000);
    expect(heard(romeo)).toEqual([]);
  });

  test('§4.3.2: that nobody is there is said of all resources', async () => {
    await appears(`${ROSALINE}/garden`);
    await changed('again');
    romeo.inbox.length = 0;
    await comes(`<presence type='unavailable' from='${ROSALINE}' to='${ROMEO}'/>`);
    expect(heard(romeo)).toEqual([`unavailable ${ROSALINE}/garden`, `unavailable ${ROSALINE}`]);
    scene.clock.advance(30_000);
    expect(heard(romeo)).toEqual([]);
  });

  test('a room is left alone: who is in it is not asked for by presence', async () => {
    await appears('room@far.example/romeo', `${ROMEO}/orchard`);
    romeo.inbox.length = 0;
    await changed('again');
    scene.clock.advance(30_000);
    expect(heard(romeo)).toEqual([]);
    expect(sent).toEqual([]);
  });
});

describe('XEP-0198 §5: a session that outlives the server', () => {
  test('its contacts elsewhere are asked when its client is back; who does not answer is gone', async () => {
    await appears(`${ROSALINE}/garden`);
    await appears(`${ROSALINE}/phone`);
    const { presence: said, account, host } = romeo.session;
    const saved = JSON.parse(JSON.stringify(scene.registry.saveMemory(romeo.session)));
    await romeo.disconnect();
    const back = await scene.connect(`${ROMEO}/orchard`);
    await scene.sessions.setPresence(back.session, said);
    scene.registry.restoreMemory(back.session, saved);
    sent.length = 0;
    const wake = () => {
      for (const hook of scene.hosts.get(host)?.dispatch.sessionAwake ?? []) hook(back.session);
    };
    wake();
    await expect.poll(() => sent).toEqual([`probe ${account} ${ROSALINE}`]);
    wake(); // once more, with the server where it was
    await appears(`${ROSALINE}/phone`);
    back.inbox.length = 0;
    scene.clock.advance(30_000);
    expect(heard(back)).toEqual([`unavailable ${ROSALINE}/garden`]);
    expect(sent).toEqual([`probe ${account} ${ROSALINE}`]);
  });
});

test('the record of what was seen is bounded for each account', () => {
  const seen = createSeen();
  const bare = scene.sessions.of(romeo.session.account)[0]?.account;
  if (bare === undefined) return expect.fail('nobody is there');
  for (let index = 0; index < 6000; index += 1) {
    const from = readStored(`<presence from='x@far.example/${index}' to='${ROMEO}'/>`)?.from;
    if (from !== undefined) seen.add(bare, from, bare);
  }
  expect([...seen.of(FAR, OURS)]).toHaveLength(5000);
  seen.forget(bare, undefined);
  expect([...seen.of(FAR, OURS)]).toEqual([]);
});
