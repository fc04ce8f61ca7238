/** Clients that are sent much, and what they send meanwhile: nothing waits for itself. */
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { archive } from '../../src/modules/archive/index.ts';
import { disco } from '../../src/modules/disco/index.ts';
import { muc } from '../../src/modules/muc/index.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { offlineRetrieval } from '../../src/modules/offline-retrieval.ts';
import { ping } from '../../src/modules/ping.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { streamManagement } from '../../src/modules/stream-management.ts';
import { message } from '../../src/stanza/build.ts';
import { el } from '../../src/xml/element.ts';
import { calm } from '../modules/muc/house.ts';
import { domainNamed } from '../operations/support.ts';
import { c2sServices, Visitor } from '../support/c2s.ts';
import { type Scene, startScene } from '../support/scene.ts';

/** More than may be unacknowledged before those wait who have much for a client. */
const MANY = 600;
const PING = "<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>";
const JOIN =
  "<presence to='hall@chat.capulet.example/j'><x xmlns='http://jabber.org/protocol/muc'/></presence>";
const OPEN =
  "<iq type='set' id='open' to='hall@chat.capulet.example'><query xmlns='http://jabber.org/protocol/muc#owner'>" +
  "<x xmlns='jabber:x:data' type='submit'/></query></iq>";
const FETCH =
  "<iq type='get' id='fetch'><offline xmlns='http://jabber.org/protocol/offline'><fetch/></offline></iq>";

let scene: Scene;
afterEach(() => scene.stop());

/** A client of Juliet's at its connection. */
async function bound(services: ReturnType<typeof c2sServices>, resource: string, isManaged = true) {
  const visitor = new Visitor(services);
  await visitor.logIn('capulet.example', 'juliet', 'secret');
  visitor.say(
    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" +
      `<resource>${resource}</resource></bind></iq>`,
  );
  await visitor.hear(/<\/jid>/);
  if (!isManaged) return visitor;
  visitor.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
  await visitor.hear(/<enabled /);
  return visitor;
}

/** Romeo writes to Juliet, who is away. */
async function sayMuch(): Promise<void> {
  const romeo = await scene.connect('romeo@montague.example/orchard');
  const said = Array.from({ length: MANY }, (_, at) =>
    romeo.send(`<message to='juliet@capulet.example' type='chat'><body>${at}</body></message>`),
  );
  await Promise.all(said);
}

const withRooms = () =>
  startScene({
    modules: [roster, presence, archive, disco, muc, ping, streamManagement],
    accounts: ['juliet@capulet.example'],
    host: {
      components: { [domainNamed('chat.capulet.example')]: { type: 'muc', name: 'Rooms' } },
    },
  });

describe('XEP-0198 §4 what is waited for is not behind the stanza that waits', () => {
  test('to enter a room', async () => {
    scene = await withRooms();
    const services = c2sServices(scene);
    const visitor = await bound(services, 'hall');
    const [session] = services.sessions.all();
    for (let at = 0; at < MANY; at += 1)
      session?.send(message({ from: session.account, to: session.jid }));
    visitor.say(JOIN);
    await visitor.hear(/code="110"/);
    visitor.say(`<a xmlns='urn:xmpp:sm:3' h='${MANY}'/>${PING}`);
    await visitor.hear(/id="ping"/);
  });

  test('who enters a room of many hears of all of them before he can acknowledge any', async () => {
    scene = await withRooms();
    for (let at = 0; at < 30; at += 1) {
      const other = await scene.connect(`witch${at}@capulet.example/heath`);
      await other.send(JOIN.replace('/j', `/${at}`));
      if (at === 0) await other.send(OPEN);
    }
    const services = c2sServices(scene, { unackedStanzas: 20 });
    const visitor = await bound(services, 'hall');
    visitor.say(JOIN);
    await visitor.hear(/code="110"/);
    visitor.say(`<a xmlns='urn:xmpp:sm:3' h='31'/>${PING}`);
    await visitor.hear(/id="ping"/);
  });

  test('XEP-0013 §2.6 to fetch what is kept', async () => {
    scene = await startScene({
      modules: [roster, presence, offline, disco, offlineRetrieval, ping, streamManagement],
      accounts: ['juliet@capulet.example', 'romeo@montague.example'],
    });
    const services = c2sServices(scene);
    await sayMuch();
    const visitor = await bound(services, 'hall');
    visitor.say(FETCH);
    await visitor.hear(/id="fetch"/);
    visitor.say(`<a xmlns='urn:xmpp:sm:3' h='${MANY}'/>${PING}`);
    await visitor.hear(/id="ping"/);
  });
});

describe('who reads nothing any more', () => {
  test.each([
    ['without stream management is over when its connection breaks', false],
    ['with it sleeps when its connection breaks', true],
  ])('%s, though something is being handled', async (_, isManaged) => {
    scene = await withRooms();
    const services = c2sServices(scene);
    const visitor = await bound(services, 'hall', isManaged);
    const [session] = services.sessions.all();
    visitor.isReading = false;
    for (let at = 0; at < 4; at += 1)
      session?.send(
        message({
          from: session.account,
          to: session.jid,
          children: [el('body', undefined, 'a'.repeat(100_000))],
        }),
      );
    visitor.say(JOIN);
    await expect.poll(() => services.metrics.stanzas.in.presence).toBe(1);
    await calm(scene);
    await once(visitor.destroy(), 'close');
    if (isManaged) await expect.poll(() => session?.isAttached).toBe(false);
    else await expect.poll(() => services.sessions.size).toBe(0);
  });
});

describe('what is kept, and is more than a client acknowledges', () => {
  /** Sends the presence by which Juliet is given so much that the rest waits for what she has. */
  async function flooded() {
    scene = await startScene({
      modules: [roster, presence, offline, ping, streamManagement],
      accounts: ['juliet@capulet.example', 'romeo@montague.example'],
    });
    const services = c2sServices(scene);
    await sayMuch();
    const phone = await bound(services, 'phone');
    const id = /id="([^"]+)" resume/.exec(phone.text)?.[1] ?? '';
    phone.say('<presence/>');
    await expect.poll(() => bodiesIn(phone)).toBe(500);
    return { services, phone, id };
  }
  const bodiesIn = ({ text }: Visitor) => text.split('<body>').length - 1;

  test('is not sent again after it was acknowledged', async () => {
    scene = await startScene({
      modules: [roster, presence, offline, ping, streamManagement],
      accounts: ['juliet@capulet.example', 'romeo@montague.example'],
    });
    const phone = await bound(c2sServices(scene), 'phone');
    phone.say('<presence/>');
    const said = sayMuch();
    await expect.poll(() => bodiesIn(phone)).toBe(MANY);
    const pass = async () => {
      await calm(scene);
      scene.clock.advance(1000); // what was not acknowledged is written, what was is removed
      await calm(scene);
    };
    await pass();
    await said;
    phone.say('<presence><priority>-1</priority></presence><presence/>');
    await pass();
    phone.say("<a xmlns='urn:xmpp:sm:3' h='60'/>");
    await pass();
    phone.say(`<a xmlns='urn:xmpp:sm:3' h='${MANY}'/>${PING}`);
    await expect.poll(() => phone.text).toContain('id="ping"');
    await calm(scene);
    expect(bodiesIn(phone)).toBe(MANY);
  });

  test('holds up no other client of the user', async () => {
    const { services } = await flooded();
    const desk = await bound(services, 'desk');
    desk.say(`<presence/>${PING}`);
    await desk.hear(/id="ping"/);
  });

  test('goes to another one when the first one falls asleep', async () => {
    const { services, phone } = await flooded();
    const desk = await bound(services, 'desk', false);
    desk.say('<presence/>');
    await once(phone.destroy(), 'close');
    await expect.poll(() => bodiesIn(desk)).toBe(MANY);
  });

  test('is given to it when it comes back', async () => {
    const { services, phone, id } = await flooded();
    await once(phone.destroy(), 'close');
    const again = new Visitor(services);
    await again.logIn('capulet.example', 'juliet', 'secret');
    again.say(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='300'/>`);
    await expect.poll(() => again.text).toContain('<body>500<');
    again.say("<a xmlns='urn:xmpp:sm:3' h='501'/>");
    await expect.poll(() => again.text).toContain('<body>599<');
  });
});
