/** An app server within a scene: a domain of its own that is told of messages (XEP-0357 §3). */
import { expect } from 'vitest';
import { verdict } from '../../../src/core/hooks.ts';
import { parseDomain, parseJid } from '../../../src/jid/jid.ts';
import { readForm, valuesOf } from '../../../src/stanza/form.ts';
import { readStanza } from '../../../src/stanza/stanza.ts';
import { childOf, type Element, serialise } from '../../../src/xml/element.ts';
import { parse, type Scene } from '../../support/scene.ts';

/** What it answers: a result, nothing at all, or an error of a type and condition. */
export type Answer = 'result' | 'silence' | `${string} ${string}`;

/** An app server. */
export interface AppServer {
  readonly domain: string;
  /** What it answers from now on. */
  answers: Answer;
  /** Requests that were not yet taken with `next`. */
  readonly inbox: Element[];
  /** Takes the oldest request, waiting for it. */
  next(): Promise<Element>;
  /** Takes the oldest request, and tells the summary in it: `message-count=1 …`. */
  told(): Promise<string>;
  /** Asserts that nothing more came. */
  nothing(): Promise<void>;
  /** Answers a request after all. */
  reply(request: Element, answer: Answer): Promise<void>;
  /** Sends something of its own. */
  send(xml: string): Promise<void>;
}

/** Opens an app server; `jid` is what it is called, one of its domain. */
export function openAppServer(scene: Scene, domain = 'push-5.client.example'): AppServer {
  const inbox: Element[] = [];
  const waiting: ((request: Element) => void)[] = [];
  const parsed = parseDomain(domain);
  if (!parsed.ok) expect.fail(parsed.why);
  scene.router.useDomain(parsed.value, (stanza) => {
    if (stanza.kind !== 'iq') return verdict.handled;
    const request = parse(stanza.wire.text);
    const taker = waiting.shift();
    if (taker === undefined) inbox.push(request);
    else taker(request);
    setImmediate(() => void answer(request, server.answers));
    return verdict.handled;
  });
  const answer = async (request: Element, said: Answer) => {
    if (said === 'silence') return;
    const { id, from: to, to: from } = request.attrs;
    const [type, condition] = said.split(' ');
    await server.send(
      said === 'result'
        ? `<iq type='result' id='${id}' from='${from}' to='${to}'/>`
        : `<iq type='error' id='${id}' from='${from}' to='${to}'><error type='${type}'>` +
            `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
  };
  const settle = async () => {
    // What is read and written on the way is done in its order.
    const db = scene.store.tables<{ accounts: { jid: string } }>();
    for (let round = 0; round < 3; round += 1) {
      await scene.store.read(db.selectFrom('accounts').select('jid'));
      await scene.store.write(db.deleteFrom('accounts').where('jid', '=', 'nobody'));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const server: AppServer = {
    domain,
    answers: 'result',
    inbox,
    next() {
      const first = inbox.shift();
      return first === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(first);
    },
    told: async () => summaryIn(await server.next()),
    async nothing() {
      await settle();
      expect(inbox.map(serialise)).toEqual([]);
    },
    async reply(request, said) {
      await answer(request, said);
      await settle();
    },
    async send(xml) {
      const element = parse(xml);
      const from = parseJid(element.attrs.from ?? '');
      if (!from.ok) expect.fail(from.why);
      const read = readStanza(element, { from: from.value, defaultTo: undefined });
      if (!read.ok) expect.fail(read.text);
      await scene.router.route(read.stanza);
    },
  };
  return server;
}

/** The notification in a request. */
export function notificationIn(request: Element): Element {
  const pubsub = childOf(request, 'pubsub', 'http://jabber.org/protocol/pubsub');
  const publish = pubsub && childOf(pubsub, 'publish', 'http://jabber.org/protocol/pubsub');
  const item = publish && childOf(publish, 'item', 'http://jabber.org/protocol/pubsub');
  const notification = item && childOf(item, 'notification', 'urn:xmpp:push:0');
  return notification ?? expect.fail(`no notification: ${serialise(request)}`);
}

/** The summary in a request, as `field=value` with spaces between. */
export function summaryIn(request: Element): string {
  const x = childOf(notificationIn(request), 'x', 'jabber:x:data');
  const form = x && readForm(x);
  expect(form?.formType).toBe('urn:xmpp:push:summary');
  return (form?.fields ?? [])
    .map(({ name }) => `${name}=${form && valuesOf(form, name)?.join('|')}`)
    .join(' ');
}
