/** Archives in a scene: asking them, and reading what they answer. */
import { expect } from 'vitest';
import type { AnyModule } from '../../../src/core/module.ts';
import { archive } from '../../../src/modules/archive/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { fulltext } from '../../../src/modules/fulltext/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { childOf, childrenOf, type Element, el, textOf } from '../../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

export const MAM = 'urn:xmpp:mam:2';
export const RSM = 'http://jabber.org/protocol/rsm';
export const ROMEO = 'romeo@montague.example';
export const JULIET = 'juliet@capulet.example';
export const NURSE = 'nurse@capulet.example';
/** Somebody who says nothing. */
export const FRIAR = 'friar@capulet.example';

/** Modules of a test's own, which stand before the archive, or behind it. */
export interface Neighbours {
  readonly before?: readonly AnyModule[];
  readonly behind?: readonly AnyModule[];
}

/** Starts a scene with the archive, and what it goes with. */
export function archiveScene(
  settings: Readonly<Record<string, unknown>> = {},
  { before = [], behind = [] }: Neighbours = {},
): Promise<Scene> {
  return startScene({
    modules: [roster, presence, ...before, archive, fulltext, ...behind, disco],
    accounts: [ROMEO, JULIET, NURSE, FRIAR],
    settings,
  });
}

/** What a query asks for. */
export interface Asking {
  /** Fields of the form; a list for one with several values. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  /** Children of the `<set/>`, as XML or by name. */
  readonly set?: Readonly<Record<string, string | number>>;
  readonly flip?: boolean;
  readonly queryid?: string;
}

/** The `<query/>` of it. */
export function queryElement({ fields, set, flip = false, queryid }: Asking): Element {
  const form =
    fields !== undefined &&
    el(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      el('field', { var: 'FORM_TYPE', type: 'hidden' }, el('value', undefined, MAM)),
      ...Object.entries(fields).map(([name, value]) =>
        el(
          'field',
          { var: name },
          ...[value].flat().map((each) => el('value', undefined, String(each))),
        ),
      ),
    );
  const page =
    set !== undefined &&
    el(
      'set',
      { xmlns: RSM },
      ...Object.entries(set).map(([name, value]) => el(name, undefined, String(value))),
    );
  return el('query', { xmlns: MAM, queryid }, form, page, flip && el('flip-page'));
}

/** A message of an archive. */
export interface Result {
  readonly id: string;
  readonly body: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly queryid: string | undefined;
  readonly message: Element;
}

/** What was answered: results and how they end, or the condition of an error. */
export interface Answer {
  readonly results: readonly Result[];
  readonly bodies: readonly (string | undefined)[];
  readonly ids: readonly string[];
  readonly isComplete: boolean;
  readonly isStable: boolean;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly index: number | undefined;
  readonly count: number | undefined;
  readonly error: string | undefined;
}

/** The condition of an error stanza. */
export function errorIn(element: Element): string | undefined {
  const error = childOf(element, 'error');
  return error === undefined ? undefined : childrenOf(error)[0]?.name;
}

/** Within another element, a stanza names its namespace (XEP-0297 §3). */
const CLIENT = 'jabber:client';

/** The text of the body of a message that was sent, or of one within a result. */
export function bodyOf(message: Element): string | undefined {
  const body = childOf(message, 'body') ?? childOf(message, 'body', CLIENT);
  return body === undefined ? undefined : textOf(body);
}

/** Reads a result. */
export function readResult(stanza: Element): Result {
  const result = childOf(stanza, 'result', MAM);
  const forwarded = result && childOf(result, 'forwarded', 'urn:xmpp:forward:0');
  const message = forwarded && childOf(forwarded, 'message', CLIENT);
  const delay = forwarded && childOf(forwarded, 'delay', 'urn:xmpp:delay');
  const id = result?.attrs.id;
  if (message === undefined || delay === undefined || id === undefined)
    expect.fail(`no result: ${stanza}`);
  const at = Date.parse(delay.attrs['stamp'] ?? '');
  return { id, body: bodyOf(message), at, queryid: result?.attrs['queryid'], message };
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));

/** Reads the answer to a query, with the results that came before it. */
export function readAnswer(results: readonly Result[], answer: Element): Answer {
  const fin = childOf(answer, 'fin', MAM);
  const set = fin && childOf(fin, 'set', RSM);
  const part = (name: string) => set && childOf(set, name, RSM);
  const text = (name: string) => {
    const found = part(name);
    return found === undefined ? undefined : textOf(found);
  };
  if (answer.attrs.type === 'result') expect(set, 'the <set/> of a <fin/>').toBeDefined();
  return {
    results,
    bodies: results.map(({ body }) => body),
    ids: results.map(({ id }) => id),
    isComplete: fin?.attrs['complete'] === 'true',
    isStable: fin?.attrs['stable'] !== 'false',
    first: text('first'),
    last: text('last'),
    index: number(part('first')?.attrs['index']),
    count: number(text('count')),
    error: errorIn(answer),
  };
}

/** Asks an archive, one's own if no other is named. */
export async function askArchive(actor: Actor, asking: Asking = {}, to?: string): Promise<Answer> {
  const answer = await actor.ask('set', queryElement(asking), to);
  const isResult = (stanza: Element) => childOf(stanza, 'result', MAM) !== undefined;
  const found = actor.inbox.filter(isResult);
  const others = actor.inbox.filter((stanza) => !isResult(stanza));
  actor.inbox.splice(0, actor.inbox.length, ...others);
  return readAnswer(found.map(readResult), answer);
}

/** Takes all messages that came. */
export function takeMessages(actor: Actor): Element[] {
  const messages = actor.inbox.filter(({ name }) => name === 'message');
  const others = actor.inbox.filter(({ name }) => name !== 'message');
  actor.inbox.splice(0, actor.inbox.length, ...others);
  return messages;
}

/** The id that an address gave to a message. */
export function stanzaIdBy(message: Element, by: string): string | undefined {
  return childrenOf(message).find((child) => child.name === 'stanza-id' && child.attrs['by'] === by)
    ?.attrs.id;
}
