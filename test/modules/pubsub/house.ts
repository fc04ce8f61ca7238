/** A house with nodes: accounts and a service, and how what they hear is compared. */
import { expect } from 'vitest';
import type { Domain } from '../../../src/jid/jid.ts';
import { blocking } from '../../../src/modules/blocking/index.ts';
import { caps } from '../../../src/modules/caps/index.ts';
import { verificationString } from '../../../src/modules/caps/verification.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { pubsub } from '../../../src/modules/pubsub/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { childrenOf, type Element, nsOf, serialise, textOf } from '../../../src/xml/element.ts';
import {
  type Actor,
  parse,
  type Scene,
  type SceneOptions,
  startScene,
} from '../../support/scene.ts';

/** The service. */
export const PUBSUB = 'pubsub.shakespeare.lit';

/** Modules with which nodes live. */
export const MODULES = [roster, presence, blocking, disco, caps, pubsub];

/** Starts a scene with accounts of denmark.lit and shakespeare.lit, whose service is {@link PUBSUB}. */
export function openHouse(
  accounts: readonly string[],
  settings: Readonly<Record<string, unknown>> = {},
  more: Partial<SceneOptions> = {},
): Promise<Scene> {
  const domain = PUBSUB as Domain;
  return startScene({
    modules: MODULES,
    accounts: ['bard@shakespeare.lit', ...accounts],
    settings: { pubsub: settings },
    host: { components: { [domain]: { type: 'pubsub', name: 'Nodes' } } },
    ...more,
  });
}

/** Resolves when nothing is being looked up or written, and what waited for it was sent. */
export async function calm({ store }: Scene): Promise<void> {
  for (let still = 0; still < 6; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const { queued, reading } = store.stats();
    if (queued + reading > 0) still = 0;
  }
}

/** A request to an account or a service. */
export const ask = (
  actor: Actor,
  type: 'get' | 'set',
  inner: string,
  to?: string,
  ns = '',
): Promise<Element> =>
  actor.ask(type, `<pubsub xmlns='http://jabber.org/protocol/pubsub${ns}'>${inner}</pubsub>`, to);

/** A form of options, by their names without `pubsub#`. */
export function optionsForm(
  values: Readonly<Record<string, string | readonly string[]>>,
  formType = 'publish-options',
): string {
  const fields = Object.entries(values).map(([name, value]) => {
    const list = typeof value === 'string' ? [value] : value;
    return `<field var='pubsub#${name}'>${list.map((each) => `<value>${each}</value>`).join('')}</field>`;
  });
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#${formType}</value></field>${fields.join('')}</x>`;
}

/** Publishes; `options` are what is taken for granted. */
export function publish(
  actor: Actor,
  node: string,
  item: string,
  options?: Readonly<Record<string, string | readonly string[]>>,
  to?: string,
): Promise<Element> {
  const form =
    options === undefined ? '' : `<publish-options>${optionsForm(options)}</publish-options>`;
  return ask(actor, 'set', `<publish node='${node}'>${item}</publish>${form}`, to);
}

/** Creates a node with some fields of its configuration. */
export function create(
  actor: Actor,
  node: string,
  config: Readonly<Record<string, string | readonly string[]>> = {},
  to: string | undefined = PUBSUB,
): Promise<Element> {
  const form = `<configure>${optionsForm(config, 'node_config')}</configure>`;
  return ask(actor, 'set', `<create node='${node}'/>${form}`, to);
}

/** Asserts that a request was done. */
export function expectDone(answer: Element): Element | undefined {
  expect(answer.attrs.type, serialise(answer)).toBe('result');
  return childrenOf(answer)[0];
}

/** The error of an answer: its type, condition, and own condition with the feature, if it names one. */
export function errorOf(answer: Element): string {
  const error = childrenOf(answer).find(({ name }) => name === 'error');
  if (error === undefined) return `no error: ${serialise(answer)}`;
  const parts = childrenOf(error).filter(({ name }) => name !== 'text');
  return [
    error.attrs.type,
    ...parts.map((part) => {
      const feature = part.attrs['feature'];
      return feature === undefined ? part.name : `${part.name} ${feature}`;
    }),
  ].join(' ');
}

/** The ids of items in an answer or a notification. */
export function idsIn(element: Element | undefined): string[] {
  if (element === undefined) return [];
  const found: string[] = [];
  const look = (at: Element) => {
    for (const child of childrenOf(at)) {
      if (child.name === 'item') found.push(child.attrs.id ?? child.attrs['node'] ?? '');
      else look(child);
    }
  };
  look(element);
  return found;
}

/** What is in an actor's inbox as short texts: notifications by node and what happened; then it is empty. */
export function heard(actor: Actor): string[] {
  const texts = actor.inbox.flatMap((stanza) =>
    stanza.name === 'message' ? childrenOf(stanza).flatMap(eventText) : [],
  );
  actor.inbox.length = 0;
  return texts;
}

function eventText(child: Element): string[] {
  if (nsOf(child) !== 'http://jabber.org/protocol/pubsub#event') return [];
  return childrenOf(child).flatMap((what) => {
    const { node, jid } = what.attrs as Record<string, string | undefined>;
    if (what.name === 'subscription') return [`${node} ${jid} ${what.attrs['subscription']}`];
    if (what.name !== 'items') return [`${node} ${what.name}`];
    const parts = childrenOf(what);
    if (parts.length === 0) return [`${node} empty`];
    return parts.map((part) => `${node} ${part.name === 'item' ? '' : '-'}${part.attrs.id}`);
  });
}

/** The element of a presence that claims to want nodes. */
export function capsOf(nodes: readonly string[]): string {
  const ver = verificationString(infoOf(nodes));
  return `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:test' ver='${ver}'/>`;
}

const infoOf = (nodes: readonly string[]) => ({
  identities: [{ category: 'client', type: 'pc' }],
  features: nodes.map((node) => `${node}+notify`),
  forms: [],
});

/** The answer of a client that wants nodes to disco#info. */
export const infoXml = (nodes: readonly string[]): string =>
  `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc'/>${infoOf(
    nodes,
  )
    .features.map((feature) => `<feature var='${feature}'/>`)
    .join('')}</query>`;

/**
 * Connects a client that is available and wants nodes; it answers questions about itself. With `[]` it
 * wants none.
 */
export async function connectClient(
  scene: Scene,
  jid: string,
  nodes: readonly string[],
): Promise<Actor> {
  const actor = await scene.connect(jid);
  answering(actor, nodes);
  await actor.send(`<presence>${capsOf(nodes)}</presence>`);
  await calm(scene);
  actor.inbox.length = 0;
  return actor;
}

/** Has an actor answer questions about himself as one who wants nodes; tells how often he was asked. */
export function answering(actor: Actor, nodes: readonly string[]): { count: number } {
  const asked = { count: 0 };
  const send = actor.session.send.bind(actor.session);
  actor.session.send = (stanza, to, receipt) => {
    const isQuestion =
      stanza.kind === 'iq' &&
      stanza.type === 'get' &&
      stanza.payload !== undefined &&
      nsOf(stanza.payload) === 'http://jabber.org/protocol/disco#info';
    if (!isQuestion) return send(stanza, to, receipt);
    asked.count += 1;
    void actor.send(
      `<iq type='result' id='${stanza.id}' to='${stanza.from}'>${infoXml(nodes)}</iq>`,
    );
  };
  return asked;
}

/** Makes two accounts see each other's presence, in a group of the first one's roster. */
export async function befriend(
  scene: Scene,
  one: string,
  other: string,
  group?: string,
): Promise<void> {
  const api = scene.registry.apiOf(roster);
  for (const [account, contact] of [
    [one, other],
    [other, one],
  ] as const)
    await api.change(account as never, contact as never, () => ({
      after: {
        contact: contact as never,
        name: undefined,
        groups: group === undefined || account !== one ? [] : [group],
        isListed: true,
        to: true,
        from: true,
        pendingOut: false,
        pendingIn: false,
        approved: false,
      },
    }));
}

/** The values of a field in the form of an answer. */
export function fieldIn(answer: Element, name: string): readonly string[] | undefined {
  let values: string[] | undefined;
  const look = (at: Element) => {
    for (const child of childrenOf(at)) {
      if (child.name === 'field' && child.attrs['var'] === name)
        values = childrenOf(child)
          .filter((each) => each.name === 'value')
          .map(textOf);
      else look(child);
    }
  };
  look(answer);
  return values;
}

export { parse };

const ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** An element with what does not matter left out: order of attributes, ids of stanzas, texts of errors. */
function canon(element: Element, isTop = true): unknown {
  const attrs = Object.entries(element.attrs).filter(
    ([name]) => name !== 'xmlns' && name !== 'xml:lang' && !(isTop && name === 'id'),
  );
  const children = childrenOf(element)
    .filter((child) => !(child.name === 'text' && nsOf(child) === ERRORS))
    .map((child) => canon(child, false));
  return [`${nsOf(element)} ${element.name}`, attrs.sort(), textOf(element).trim(), children];
}

/** Expects an element to be what an example shows. */
export function expectLike(element: Element | undefined, xml: string): void {
  if (element === undefined) expect.fail(`nothing, but: ${xml}`);
  expect(canon(element)).toEqual(canon(parse(xml)));
}

/** Expects that somebody hears exactly these stanzas, in this order. */
export function expectHeard(actor: Actor, ...expected: readonly string[]): void {
  const heardAll = actor.inbox.splice(0);
  expect(heardAll.map((each) => canon(each))).toEqual(expected.map((xml) => canon(parse(xml))));
}
