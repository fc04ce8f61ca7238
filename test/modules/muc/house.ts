/** The rooms of XEP-0045's examples: a service, the witches, and how what they hear is compared. */
import { expect } from 'vitest';
import { archive } from '../../../src/modules/archive/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { childrenOf, type Element, nsOf, textOf } from '../../../src/xml/element.ts';
import { domainNamed } from '../../operations/support.ts';
import {
  type Actor,
  parse,
  type Scene,
  type SceneOptions,
  startScene,
} from '../../support/scene.ts';

/** The service. */
export const CHAT = 'chat.shakespeare.lit';
/** The room of most examples. */
export const COVEN = `coven@${CHAT}`;

/** The clients of the examples. */
export const WITCHES = {
  crone1: 'crone1@shakespeare.lit/desktop',
  wiccarocks: 'wiccarocks@shakespeare.lit/laptop',
  hag66: 'hag66@shakespeare.lit/pda',
  hecate: 'hecate@shakespeare.lit/broom',
  bard: 'bard@shakespeare.lit/globe',
} as const;

/** A house with rooms. */
export interface House {
  readonly scene: Scene;
  readonly crone1: Actor;
  readonly wiccarocks: Actor;
  readonly hag66: Actor;
  readonly hecate: Actor;
  readonly bard: Actor;
}

/** The service at work, nobody in any room. */
export async function openHouse(
  settings: Readonly<Record<string, unknown>> = {},
  more: Partial<SceneOptions> = {},
): Promise<House> {
  const scene = await startScene({
    modules: [roster, presence, archive, disco, muc],
    accounts: Object.values(WITCHES).map((jid) => jid.split('/')[0] ?? ''),
    settings: { muc: settings },
    host: { components: { [domainNamed(CHAT)]: { type: 'muc', name: 'Chatroom Service' } } },
    ...more,
  });
  const actors: Partial<Record<keyof typeof WITCHES, Actor>> = {};
  for (const [name, jid] of Object.entries(WITCHES))
    actors[name as keyof typeof WITCHES] = await patient(scene, jid);
  return { scene, ...(actors as Record<keyof typeof WITCHES, Actor>) };
}

/** An actor who does the next thing when all have heard of the one before. */
export async function patient(scene: Scene, jid: string): Promise<Actor> {
  const actor = await scene.connect(jid);
  return {
    ...actor,
    get endedWith() {
      return actor.endedWith;
    },
    async send(xml) {
      await actor.send(xml);
      await calm(scene);
    },
    async ask(type, payload, to) {
      const answer = await actor.ask(type, payload, to);
      await calm(scene);
      return answer;
    },
    async disconnect(end) {
      await actor.disconnect(end);
      await calm(scene);
    },
  };
}

/** Resolves when nothing is being looked up or written, and what waited for it was sent. */
export async function calm({ store }: Scene): Promise<void> {
  for (let still = 0; still < 4; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const { queued, reading } = store.stats();
    if (queued + reading > 0) still = 0;
  }
}

/** The presence by which somebody enters. */
export function join(nick: string, inner = '', room = COVEN): string {
  return `<presence to='${room}/${nick}' id='n13mt3l'><x xmlns='http://jabber.org/protocol/muc'>${inner}</x></presence>`;
}

/** Makes a room by entering it, with some fields of its configuration, and forgets what was heard. */
export async function makeRoom(
  owner: Actor,
  nick: string,
  fields: Readonly<Record<string, string | readonly string[]>> = {},
  room = COVEN,
): Promise<void> {
  await owner.send(join(nick, '', room));
  await configure(owner, fields, room);
  owner.inbox.length = 0;
}

/** Submits a configuration; answers the room's answer. */
export function configure(
  owner: Actor,
  fields: Readonly<Record<string, string | readonly string[]>>,
  room = COVEN,
): Promise<Element> {
  const all: Readonly<Record<string, string | readonly string[]>> = {
    FORM_TYPE: 'http://jabber.org/protocol/muc#roomconfig',
    ...fields,
  };
  const xml = Object.entries(all).map(([name, values]) => {
    const full = name === 'FORM_TYPE' || /[#}]/.test(name) ? name : `muc#roomconfig_${name}`;
    const list = typeof values === 'string' ? [values] : values;
    return `<field var='${full}'>${list.map((value) => `<value>${value}</value>`).join('')}</field>`;
  });
  return owner.ask(
    'set',
    `<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>${xml.join('')}</x></query>`,
    room,
  );
}

/** Somebody enters; what all heard of it is forgotten. */
export async function enter(actor: Actor, nick: string, others: readonly Actor[] = []) {
  await actor.send(join(nick));
  for (const each of [actor, ...others]) each.inbox.length = 0;
}

/** A query of moderators and admins. */
export function admin(inner: string): string {
  return `<query xmlns='http://jabber.org/protocol/muc#admin'>${inner}</query>`;
}

/** What a room adds to what the examples show. */
const ADDED = new Set(['urn:xmpp:occupant-id:0', 'urn:xmpp:sid:0']);
/** XEP-0463: compared where an example has it. */
export const MAV = 'urn:xmpp:muc:affiliations:1';
const ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** An element with what does not matter left out: order, the room's own ids, texts of errors. */
function canon(element: Element, added: ReadonlySet<string>, isTop = true): unknown {
  const attrs = Object.entries(element.attrs).filter(
    ([name]) => name !== 'xmlns' && name !== 'xml:lang' && !(isTop && name === 'id'),
  );
  const children = childrenOf(element)
    .filter((child) => !added.has(nsOf(child)))
    .filter((child) => !(child.name === 'text' && nsOf(child) === ERRORS))
    .map((child) => canon(child, added, false))
    .map((child) => JSON.stringify(child))
    .sort();
  return [`${nsOf(element)} ${element.name}`, attrs.sort(), textOf(element).trim(), children];
}

/** Expects that somebody hears exactly these stanzas, in this order. */
export function expectHeard(actor: Actor, ...expected: readonly string[]): void {
  const heard = actor.inbox.splice(0);
  const added = addedTo(expected.join(''));
  expect(heard.map((each) => canon(each, added))).toEqual(
    expected.map((xml) => canon(parse(xml), added)),
  );
}

/** Expects an element to be what an example shows. */
export function expectLike(element: Element | undefined, xml: string): void {
  if (element === undefined) expect.fail(`nothing, but: ${xml}`);
  expect(canon(element, addedTo(xml))).toEqual(canon(parse(xml), addedTo(xml)));
}

const addedTo = (xml: string) => (xml.includes(MAV) ? ADDED : new Set([...ADDED, MAV]));

/** The status codes of a presence or message. */
export function codesIn(element: Element | undefined): number[] {
  const x =
    element === undefined ? undefined : childrenOf(element).find((each) => each.name === 'x');
  return childrenOf(x ?? parse('<x/>'))
    .filter(({ name }) => name === 'status')
    .map(({ attrs }) => Number(attrs['code']));
}
