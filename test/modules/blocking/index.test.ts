import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf, type Jid } from '../../../src/jid/jid.ts';
import { modules } from '../../../src/modules/index.ts';
import { childrenOf, type Element, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import { befriending } from '../../support/befriend.ts';
import { otherServer } from '../../support/elsewhere.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const NS = 'urn:xmpp:blocking';
const items = (jids: readonly string[]) => jids.map((jid) => `<item jid='${jid}'/>`).join('');
const block = (...jids: string[]) => `<block xmlns='${NS}'>${items(jids)}</block>`;
const unblock = (...jids: string[]) => `<unblock xmlns='${NS}'>${items(jids)}</unblock>`;
const list = `<blocklist xmlns='${NS}'/>`;

const ROMEO = 'romeo@montague.net';
const JULIET = 'juliet@capulet.com';
const friends = befriending();

let scene: Scene;
let chamber: Actor;
let balcony: Actor;
let romeo: Actor;

beforeEach(async () => {
  scene = await startScene({
    modules: [...modules, friends.module],
    accounts: [JULIET, ROMEO, 'nurse@capulet.com', 'benvolio@montague.net'],
    settings: { blocking: { maxItems: 4, maxReportsPerUser: 3, keepReports: '3h' } },
  });
  chamber = await scene.connect(`${JULIET}/chamber`);
  balcony = await scene.connect(`${JULIET}/balcony`);
  romeo = await scene.connect(`${ROMEO}/orchard`);
});
afterEach(() => scene.stop());

/** Both see each other. */
async function befriend(one: Actor, other: Actor): Promise<void> {
  await friends.admit(one.jid, other.jid);
  await friends.admit(other.jid, one.jid);
  for (const [owner, contact] of [
    [one, other],
    [other, one],
  ] as const) {
    const jid = bareOf(contact.jid);
    await owner.send(`<presence type='subscribe' to='${jid}'/>`);
  }
}
const seen = (actor: Actor, from: Jid | string) =>
  actor.inbox.filter(({ name, attrs }) => name === 'presence' && attrs.from === from);
const clear = (...actors: Actor[]) => {
  for (const actor of actors) actor.inbox.length = 0;
};
const errorIn = (stanza: Element) => {
  const error = childrenOf(stanza).find(({ name }) => name === 'error');
  if (error === undefined) expect.fail(`no error in ${serialise(stanza)}`);
  return error;
};

describe('XEP-0191: Blocking Command', () => {
  test('§3.3 a request that waited is not delivered when its sender was blocked since', async () => {
    await romeo.send(`<presence type='subscribe' to='${JULIET}'/>`);
    await chamber.ask('set', block(ROMEO));
    clear(chamber);
    await chamber.send('<presence/>');
    expect(seen(chamber, ROMEO)).toEqual([]);
    await chamber.ask('set', unblock(ROMEO));
    await chamber.send("<presence type='unavailable'/>");
    await chamber.send('<presence/>');
    expect(seen(chamber, ROMEO)).toMatchObject([{ attrs: { type: 'subscribe' } }]);
  });

  test('§3.3 a contact who is blocked, and then removed, does not learn that somebody is there', async () => {
    await befriend(chamber, romeo);
    await romeo.ask('get', "<query xmlns='jabber:iq:roster'/>");
    await romeo.send('<presence/>');
    await chamber.ask('set', block(ROMEO));
    await chamber.send('<presence/>');
    clear(romeo);
    const removed = `<query xmlns='jabber:iq:roster'><item jid='${ROMEO}' subscription='remove'/></query>`;
    expect(resultIn(await chamber.ask('set', removed))).toBe('');
    expect(seen(romeo, `${JULIET}/chamber`)).toEqual([]);
    expect(seen(romeo, JULIET).map(({ attrs }) => attrs.type)).toContain('unsubscribed');
  });

  test('§3.1 the server announces it', async () => {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const info = resultIn(await chamber.ask('get', query, 'capulet.com'));
    expect(info).toContain('<feature var="urn:xmpp:blocking"/>');
  });

  test('§3.2 the list is empty, and then what was blocked', async () => {
    expect(resultIn(await chamber.ask('get', list))).toBe(`<blocklist xmlns="${NS}"/>`);
    await chamber.ask('set', block(ROMEO, 'iago@shakespeare.lit'));
    expect(resultIn(await chamber.ask('get', list))).toBe(
      `<blocklist xmlns="${NS}"><item jid="romeo@montague.net"/>` +
        '<item jid="iago@shakespeare.lit"/></blocklist>',
    );
  });

  test('§3.3 who asked for the list is told what is blocked, and nobody else', async () => {
    await chamber.ask('get', list);
    expect(resultIn(await balcony.ask('set', block(ROMEO)))).toBe('');
    const push = await chamber.next();
    expect(push.attrs).toMatchObject({ type: 'set', to: `${JULIET}/chamber` });
    expect(childrenOf(push).map(serialise)).toEqual([
      `<block xmlns="${NS}"><item jid="romeo@montague.net"/></block>`,
    ]);
    await balcony.nothing();
  });

  test('§3.3 a session that outlives a restart of the server is told, too', async () => {
    await chamber.ask('get', list);
    const { registry } = scene;
    const saved = JSON.parse(JSON.stringify(registry.saveMemory(chamber.session)));
    registry.restoreMemory(balcony.session, saved);
    await chamber.ask('set', block(ROMEO));
    expect((await balcony.next()).attrs.type).toBe('set');
  });

  test('§3.4, §3.5 and what is not any more', async () => {
    await chamber.ask('set', block(ROMEO, 'iago@shakespeare.lit'));
    await chamber.ask('get', list);
    expect(resultIn(await chamber.ask('set', unblock(ROMEO)))).toBe('');
    expect(childrenOf(await chamber.next()).map(serialise)).toEqual([
      `<unblock xmlns="${NS}"><item jid="romeo@montague.net"/></unblock>`,
    ]);
    expect(resultIn(await chamber.ask('set', unblock()))).toBe('');
    expect(childrenOf(await chamber.next()).map(serialise)).toEqual([`<unblock xmlns="${NS}"/>`]);
    expect(resultIn(await chamber.ask('get', list))).toBe(`<blocklist xmlns="${NS}"/>`);
  });

  test.each([
    ['§3.3 nobody', block(), 'bad-request'],
    ['an item that names nobody', `<block xmlns='${NS}'><item/></block>`, 'bad-request'],
    ['what is no address', block('@@'), 'jid-malformed'],
    ['more than an account may', block('a@b', 'c@d', 'e@f', 'g@h', 'i@j'), 'policy-violation'],
  ])('a block of %s is refused, and nothing is blocked', async (_, command, condition) => {
    expect(conditionIn(await chamber.ask('set', command))).toBe(condition);
    expect(resultIn(await chamber.ask('get', list))).toBe(`<blocklist xmlns="${NS}"/>`);
  });

  test('the list of another account is nobody’s business', async () => {
    expect(conditionIn(await romeo.ask('get', list, JULIET))).toBe('service-unavailable');
    expect(conditionIn(await romeo.ask('set', block('a@b'), JULIET))).toBe('service-unavailable');
  });

  test('§3.3 messages and requests of who is blocked get service-unavailable, and no more', async () => {
    await chamber.send('<presence/>');
    clear(chamber, balcony);
    await chamber.ask('set', block(ROMEO));
    await romeo.send(`<message to='${JULIET}' type='chat' id='m'><body>It is I.</body></message>`);
    expect(conditionIn(await romeo.next())).toBe('service-unavailable');
    expect(conditionIn(await romeo.ask('get', "<ping xmlns='urn:xmpp:ping'/>", JULIET))).toBe(
      'service-unavailable',
    );
    const version = "<query xmlns='jabber:iq:version'/>";
    for (const type of ['get', 'set'] as const)
      expect(conditionIn(await romeo.ask(type, version, `${JULIET}/chamber`))).toBe(
        'service-unavailable',
      );
    await romeo.send(`<iq to='${JULIET}/chamber' type='result' id='late'/>`);
    await romeo.send(`<message to='${JULIET}' type='headline'><body>News</body></message>`);
    await romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await romeo.send(`<presence to='${JULIET}' type='probe'/>`);
    await romeo.send(`<presence to='${JULIET}/chamber'/>`);
    await romeo.nothing();
    await chamber.nothing();
  });

  test('§3.3 what the user sends them comes back with not-acceptable and blocked', async () => {
    await chamber.ask('set', block(ROMEO));
    const say = `<message to='${ROMEO}' id='hear'><body>Can you hear me now?</body></message>`;
    for (const stanza of [
      say,
      `<iq to='${ROMEO}/orchard' type='get' id='hear'><ping xmlns='urn:xmpp:ping'/></iq>`,
      `<presence to='${ROMEO}' id='hear' type='subscribe'/>`,
      `<presence to='${ROMEO}/orchard' id='hear'/>`,
    ]) {
      await chamber.send(stanza);
      const answer = await chamber.next();
      expect(answer.attrs).toMatchObject({ type: 'error', id: 'hear' });
      expect(bareOf(answer.attrs.from as Jid)).toBe(ROMEO);
      expect(errorIn(answer).attrs.type).toBe('cancel');
      expect(serialise(errorIn(answer))).toContain(
        '<blocked xmlns="urn:xmpp:blocking:errors"/></error>',
      );
      expect(conditionIn(answer)).toBe('not-acceptable');
    }
    await romeo.nothing();
  });

  test('§3.3 an error that only looks as if it were ours does not come through', async () => {
    await chamber.ask('set', block(ROMEO));
    await romeo.send(
      `<message to='${JULIET}/chamber' type='error'><body>read me</body><error type='cancel'>
        <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
        <blocked xmlns='urn:xmpp:blocking:errors'/></error></message>`,
    );
    await chamber.nothing();
  });

  test('§3.3 what is blocked is neither archived, nor copied, nor kept', async () => {
    await balcony.ask('set', "<enable xmlns='urn:xmpp:carbons:2'/>");
    await chamber.ask('set', block(ROMEO));
    await romeo.send(`<message to='${JULIET}' type='chat'><body>lost</body></message>`);
    await chamber.send(`<message to='${ROMEO}' type='chat'><body>lost, too</body></message>`);
    clear(chamber, romeo);
    await chamber.ask('set', unblock());
    await chamber.send('<presence/>');
    const query = "<query xmlns='urn:xmpp:mam:2'/>";
    expect(resultIn(await chamber.ask('set', query))).toContain('count>0<');
    expect(chamber.inbox.filter(({ name }) => name === 'message')).toEqual([]);
    await balcony.nothing();
  });

  test('§3.3 what was kept from somebody who is blocked then is not delivered any more', async () => {
    const benvolio = await scene.connect('benvolio@montague.net/street');
    for (const actor of [romeo, benvolio])
      await actor.send(`<message to='${JULIET}' type='chat'><body>Are you there?</body></message>`);
    await chamber.ask('set', block(ROMEO));
    await chamber.ask('set', unblock());
    await chamber.send('<presence/>');
    const messages = chamber.inbox.filter(({ name }) => name === 'message');
    expect(messages.map(({ attrs }) => attrs.from)).toEqual([benvolio.jid]);
  });

  test('§3.3, §3.4 contacts in other domains see the same', async () => {
    const elsewhere = otherServer(scene);
    const friend = 'mercutio@verona.example';
    await chamber.send('<presence/>');
    await elsewhere.send(`<presence from='${friend}' to='${JULIET}' type='subscribe'/>`);
    await chamber.send(`<presence to='${friend}' type='subscribed'/>`);
    await chamber.send(`<presence to='${friend}' type='subscribe'/>`);
    await elsewhere.send(`<presence from='${friend}' to='${JULIET}' type='subscribed'/>`);
    await elsewhere.send(`<presence from='${friend}/sword' to='${JULIET}'/>`);
    // Who is of another domain is not meant, and who may not see the user hears nothing.
    await elsewhere.send(`<presence from='paris@mantua.example' to='${JULIET}' type='subscribe'/>`);
    await chamber.send("<presence to='paris@mantua.example' type='subscribed'/>");
    await chamber.send("<presence to='tybalt@verona.example' type='subscribe'/>");
    clear(chamber);
    elsewhere.taken.length = 0;
    await chamber.ask('set', block('verona.example'));
    const told = () => elsewhere.taken.splice(0).map(({ type, to }) => `${type} ${to}`);
    expect(told()).toEqual([`unavailable ${friend}`]);
    expect(seen(chamber, `${friend}/sword`).map(({ attrs }) => attrs.type)).toEqual([
      'unavailable',
    ]);
    clear(chamber);
    await chamber.send('<presence><show>away</show></presence>');
    await elsewhere.send(`<presence from='${friend}/sword' to='${JULIET}'/>`);
    await elsewhere.send(`<presence from='${friend}' to='${JULIET}' type='probe'/>`);
    await elsewhere.send(
      `<message from='${friend}/sword' to='${JULIET}' id='x'><body>Ho</body></message>`,
    );
    expect(told()).toEqual(['available paris@mantua.example', `error ${friend}/sword`]);
    expect(seen(chamber, `${friend}/sword`)).toEqual([]);
    await chamber.ask('set', unblock());
    expect(told()).toEqual([`available ${friend}`, `probe ${friend}`]);
  });

  test('§3.3, §3.4 contacts see each other go, and come', async () => {
    await chamber.send('<presence/>');
    await romeo.send('<presence/>');
    await befriend(chamber, romeo);
    clear(chamber, balcony, romeo);
    await chamber.ask('set', block(ROMEO));
    expect(seen(romeo, chamber.jid).map(({ attrs }) => attrs.type)).toEqual(['unavailable']);
    expect(seen(chamber, romeo.jid).map(({ attrs }) => attrs.type)).toEqual(['unavailable']);
    clear(chamber, romeo);
    await chamber.send('<presence><show>away</show></presence>');
    await romeo.send('<presence><show>dnd</show></presence>');
    expect(seen(romeo, chamber.jid)).toEqual([]);
    expect(seen(chamber, romeo.jid)).toEqual([]);
    clear(chamber, romeo);
    await chamber.ask('set', unblock(ROMEO));
    expect(seen(romeo, chamber.jid).map(serialise).join()).toContain('<show>away</show>');
    expect(seen(chamber, romeo.jid).map(serialise).join()).toContain('<show>dnd</show>');
  });

  test.each([
    ['the contact blocks him', () => romeo.ask('set', block(JULIET))],
    ['the contact blocks his resource', () => romeo.ask('set', block(`${JULIET}/chamber`))],
    ['he blocks the contact', () => chamber.ask('set', block(ROMEO))],
    ['he blocks the resource of the contact', () => chamber.ask('set', block(`${ROMEO}/orchard`))],
  ])('§3.3 who comes does not see a contact when %s', async (_, doBlock) => {
    await befriend(chamber, romeo);
    await romeo.send('<presence/>');
    await chamber.send('<presence/>');
    expect(seen(chamber, romeo.jid)).toHaveLength(1);
    await chamber.send("<presence type='unavailable'/>");
    await doBlock();
    clear(chamber);
    await chamber.send('<presence/>');
    expect(seen(chamber, romeo.jid)).toEqual([]);
    expect(seen(chamber, ROMEO)).toEqual([]); // nor any other answer
  });

  test('§3.3 strangers are not told that the user goes', async () => {
    await chamber.send('<presence/>');
    await chamber.ask('set', block(ROMEO));
    await chamber.ask('set', unblock());
    await romeo.nothing();
  });

  test('§3.3 who was sent presence directly is told', async () => {
    await chamber.send(`<presence to='${romeo.jid}'/>`);
    await romeo.next();
    await chamber.ask('set', block(ROMEO));
    expect((await romeo.next()).attrs).toMatchObject({ type: 'unavailable', from: chamber.jid });
    await chamber.disconnect();
    await romeo.nothing();
  });

  test('§5 a resource, an account, a domain and what is at it', async () => {
    const garden = await scene.connect(`${ROMEO}/garden`);
    const speak = async (actor: Actor) => {
      await actor.send(`<message to='${chamber.jid}' type='chat'><body>Hi</body></message>`);
      const [refused] = actor.inbox.splice(0);
      const isHeard = chamber.inbox.splice(0).length > 0;
      expect(isHeard).toBe(refused === undefined);
      return isHeard;
    };
    const benvolio = await scene.connect('benvolio@montague.net/street');
    const heard = async () => [await speak(romeo), await speak(garden), await speak(benvolio)];
    expect(await heard()).toEqual([true, true, true]);
    await chamber.ask('set', block(`${ROMEO}/orchard`));
    expect(await heard()).toEqual([false, true, true]);
    await chamber.ask('set', block(ROMEO));
    expect(await heard()).toEqual([false, false, true]);
    await chamber.ask('set', block('montague.net'));
    expect(await heard()).toEqual([false, false, false]);
    await chamber.ask('set', unblock(ROMEO, 'montague.net'));
    expect(await heard()).toEqual([false, true, true]);
    await chamber.ask('set', block('montague.net/server'));
    expect(await heard()).toEqual([false, true, true]);
  });

  test('XEP-0016 §2.1 one’s own resources are never blocked, even with their domain', async () => {
    await chamber.ask('set', block('capulet.com', JULIET));
    await balcony.send(`<message to='${chamber.jid}'><body>Remember</body></message>`);
    expect((await chamber.next()).attrs.from).toBe(balcony.jid);
    expect(resultIn(await chamber.ask('set', unblock()))).toBe('');
  });

  test('invitations of who is blocked, and to a room that is, do not come by other ways', async () => {
    const nurse = await scene.connect('nurse@capulet.com/kitchen');
    await chamber.ask('set', block(ROMEO, 'street@rooms.example'));
    await nurse.send(
      `<message to='${chamber.jid}'><x xmlns='jabber:x:conference' jid='street@rooms.example'/></message>`,
    );
    await nurse.send(
      `<message to='${chamber.jid}'><x xmlns='http://jabber.org/protocol/muc#user'>
        <invite from='${ROMEO}/orchard'/></x></message>`,
    );
    await nurse.nothing();
    await chamber.nothing();
    await nurse.send(
      `<message to='${chamber.jid}'><x xmlns='jabber:x:conference' jid='kitchen@rooms.example'/></message>`,
    );
    expect((await chamber.next()).name).toBe('message');
  });

  test('a removed account leaves no list to the next one of its name', async () => {
    await chamber.ask('set', block(ROMEO));
    await scene.registry.removeAccount(bareOf(chamber.jid), 'gone');
    await scene.accounts.create(bareOf(chamber.jid), 'secret');
    chamber = await scene.connect(`${JULIET}/chamber`);
    expect(resultIn(await chamber.ask('get', list))).toBe(`<blocklist xmlns="${NS}"/>`);
  });
});

describe('XEP-0377: Blocking Command Reports', () => {
  const report = (jid: string, inner: string, reason = 'urn:xmpp:reporting:spam') =>
    `<block xmlns='${NS}'><item jid='${jid}'>
      <report xmlns='urn:xmpp:reporting:1' reason='${reason}'>${inner}</report></item></block>`;
  const run = async (name: string, input: unknown) => {
    const found = scene.registry.operations.find((operation) => operation.name === name);
    if (found === undefined) expect.fail(name);
    const parsed = found.input.parse(input);
    return found.run(parsed, { name: 'root', via: 'socket' });
  };

  test('§6 it blocks, and an admin reads what was said', async () => {
    const said = report(
      ROMEO,
      `<stanza-id xmlns='urn:xmpp:sid:0' by='${JULIET}' id='28482-98726-73623'/>
       <text xml:lang='en'>Never came trouble to my house like this.</text>`,
    );
    expect(resultIn(await chamber.ask('set', said))).toBe('');
    expect(resultIn(await chamber.ask('get', list))).toContain(ROMEO);
    expect(await run('reports.list', {})).toMatchObject({
      ok: true,
      value: { total: 1, reports: [{ id: 1, reported: ROMEO, local: true, reason: 'spam' }] },
    });
    expect(await run('reports.show', { id: 1 })).toMatchObject({
      value: {
        reporter: JULIET,
        reporters: 1,
        text: 'Never came trouble to my house like this.',
        messages: ['28482-98726-73623'],
      },
    });
    expect(await run('reports.dismiss', { id: 1 })).toMatchObject({ ok: true });
    expect(await run('reports.show', { id: 1 })).toMatchObject({ ok: false, why: 'not-found' });
  });

  test('§4 a report without a reason is none; the block holds', async () => {
    const said = `<block xmlns='${NS}'><item jid='${ROMEO}'><report xmlns='urn:xmpp:reporting:1'/></item></block>`;
    expect(resultIn(await chamber.ask('set', said))).toBe('');
    expect(resultIn(await chamber.ask('get', list))).toContain(ROMEO);
    expect(await run('reports.list', {})).toMatchObject({ value: { total: 0 } });
  });

  test('there are no more reports than an admin allows; one that is repeated counts once', async () => {
    for (const jid of ['a@b', 'c@d', 'c@d', 'e@f', 'g@h'])
      await chamber.ask('set', report(jid, '', 'urn:xmpp:reporting:abuse'));
    const listed = await run('reports.list', {});
    expect(listed).toMatchObject({
      value: { total: 3, reports: [{ reported: 'g@h' }, { reported: 'e@f' }, { reported: 'c@d' }] },
    });
  });

  test('a report goes when its time is over, though no other one comes', async () => {
    await chamber.ask('set', report('a@b', '', 'urn:xmpp:reporting:abuse'));
    scene.clock.advance(2 * 3_600_000);
    await romeo.ask('set', report('c@d', '', 'urn:xmpp:reporting:abuse'));
    const reported = async () => {
      const listed = await run('reports.list', {});
      return JSON.stringify(listed).match(/(?<="reported":")[^"]+/g) ?? [];
    };
    expect(await reported()).toEqual(['c@d', 'a@b']);
    scene.clock.advance(2 * 3_600_000);
    await expect.poll(reported).toEqual(['c@d']);
  });

  test('a long text is cut off, and a report of a foreign kind is kept as it is', async () => {
    const long = 'x'.repeat(5000);
    await chamber.ask('set', report('a@b', `<text>${long}</text>`, 'urn:example:rudeness'));
    const shown = await run('reports.show', { id: 1 });
    expect(shown).toMatchObject({ value: { reason: 'urn:example:rudeness' } });
    expect(JSON.stringify(shown).length).toBeLessThan(3000);
  });
});
