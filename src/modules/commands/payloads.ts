/** The elements of XEP-0050, and its errors (§4.4). */
import type { StanzaCondition, StanzaFailure } from '../../stanza/condition.ts';
import { attr, optionalAttr, payload } from '../../xml/codec.ts';
import { type Element, el } from '../../xml/element.ts';

/** The namespace of commands, and the node under which an entity's commands stand (§2.2). */
export const COMMANDS = 'http://jabber.org/protocol/commands';

/** `<command/>` as it is asked; what is in it is read by its stage. */
export const Command = payload('command', COMMANDS, {
  node: attr('node'),
  action: optionalAttr('action'),
  sessionid: optionalAttr('sessionid'),
});

/** §4.2: what may be done next, and which of it `execute` means. */
export interface Actions {
  readonly execute: 'next' | 'complete';
  readonly hasPrevious: boolean;
}

/** §4.3: something to be read. */
export interface Note {
  readonly type: 'info' | 'warn' | 'error';
  readonly text: string;
}

/** What an answer says. */
export interface CommandAnswer {
  readonly node: string;
  readonly sessionid: string;
  readonly status: 'executing' | 'completed' | 'canceled';
  readonly actions?: Actions | undefined;
  readonly notes?: readonly Note[] | undefined;
  /** A form, asked or as a result. */
  readonly form?: Element | undefined;
  /** §2.4.1: where something is to be fetched (XEP-0066). */
  readonly url?: string | undefined;
}

/** `<command/>` as it is answered. All texts are English (§3.7). */
export function commandAnswer(answer: CommandAnswer): Element {
  const { node, sessionid, status, actions, notes = [], form, url } = answer;
  return el(
    'command',
    { xmlns: COMMANDS, node, sessionid, status, 'xml:lang': 'en' },
    actions &&
      el(
        'actions',
        { execute: actions.execute },
        actions.hasPrevious && el('prev'),
        el(actions.execute),
      ),
    form,
    url !== undefined && el('x', { xmlns: 'jabber:x:oob' }, el('url', undefined, url)),
    ...notes.map(({ type, text }) => el('note', { type }, text)),
  );
}

/** The conditions of this namespace, with those of the stanza error that they stand in. */
const CONDITIONS = {
  'malformed-action': 'bad-request',
  'bad-action': 'bad-request',
  'bad-payload': 'bad-request',
  'bad-sessionid': 'bad-request',
  'session-expired': 'not-allowed',
} as const satisfies Readonly<Record<string, StanzaCondition>>;

/** Why a command cannot go on. */
export function commandFailure(name: keyof typeof CONDITIONS, text?: string): StanzaFailure {
  return { condition: CONDITIONS[name], text, app: el(name, { xmlns: COMMANDS }) };
}
