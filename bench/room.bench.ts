/**
 * What a message in a room of 200 costs the thread that routes, sockets and TLS apart: handled once,
 * its text made once, an address spliced in for each occupant.
 *
 *     npx vitest bench --run bench/room.bench.ts
 */
import { bench, describe, expect } from 'vitest';
import { modules } from '../src/modules/index.ts';
import { type Message, readStanza } from '../src/stanza/stanza.ts';
import { clone } from '../src/xml/element.ts';
import { domainNamed } from '../test/operations/support.ts';
import { type Actor, parse, startScene } from '../test/support/scene.ts';

const OCCUPANTS = 200;
/** Messages of one run; then the thread does what waits. */
const AT_ONCE = 20;
const SERVICE = 'conference.capulet.example';
const ROOM = `coven@${SERVICE}`;
const BODY = 'What light through yonder window breaks? It is the east, and Juliet is the sun.';

const stage = async () => {
  const names = Array.from({ length: OCCUPANTS }, (_, index) => `u${index}@capulet.example`);
  const scene = await startScene({
    modules,
    accounts: names,
    settings: { muc: { presencesPerMinute: 1000 } },
    host: { components: { [domainNamed(SERVICE)]: { type: 'muc', name: 'Rooms' } } },
  });
  let count = 0;
  const occupants: Actor[] = [];
  for (const [index, name] of names.entries()) {
    const actor = await scene.connect(`${name}/x`);
    await actor.send(
      `<presence to='${ROOM}/n${index}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    if (index === 0)
      await actor.ask(
        'set',
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>",
        ROOM,
      );
    actor.session.send = (stanza, to, receipt) => {
      count += (to === undefined ? stanza.wire.text : stanza.wire.textTo(to)).length > 0 ? 1 : 0;
      receipt?.acknowledged(actor.session);
    };
    occupants.push(actor);
  }
  return { scene, occupants, heard: () => count };
};

const element = parse(
  `<message to='${ROOM}' type='groupchat' id='a1b2c3d4'><body>${BODY}</body>` +
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>",
);

describe(`${AT_ONCE} messages in a room of ${OCCUPANTS}`, async () => {
  const { scene, occupants, heard } = await stage();
  const [speaker] = occupants;
  if (speaker === undefined) throw new Error('a room has somebody in it');
  const speak = async () => {
    const before = heard();
    for (let said = 0; said < AT_ONCE; said += 1) {
      const read = readStanza(clone(element), { from: speaker.jid, defaultTo: speaker.jid });
      if (read.ok) await scene.router.fromSession(read.stanza as Message, speaker.session);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard() - before).toBe(AT_ONCE * OCCUPANTS);
  };
  bench('one speaks', speak, { time: 4000, warmupTime: 2000 });
});
