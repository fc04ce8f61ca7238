/** What was said in a room, as an admin of the server reads it. */
import { bareOf, parseJid, resourceOf } from '../../jid/jid.ts';
import { childOf, type Element, textOf } from '../../xml/element.ts';
import { parseElement } from '../../xml/parse.ts';
import { MUC_USER, RETRACT } from './names.ts';

/** Something that was said. */
export interface RecordedSaying {
  /** '' for the room itself. */
  readonly nick: string;
  /** Who said it; '' where that is not known any more. */
  readonly account: string;
  readonly kind: 'message' | 'subject' | 'retracted';
  /** What was said; of what was taken back, the reason, if one was given. */
  readonly text: string;
}

/** Reads an archived stanza; undefined for one in which nobody says anything, such as a marker. */
export function readRecord(stanza: string): RecordedSaying | undefined {
  const parsed = parseElement(stanza);
  return parsed.ok ? sayingIn(parsed.element) : undefined;
}

/** Reads a message of a room, as {@link readRecord} does. */
export function sayingIn(element: Element): RecordedSaying | undefined {
  const from = parseJid(element.attrs.from ?? '');
  const x = childOf(element, 'x', MUC_USER);
  const session = x && childOf(x, 'item', MUC_USER)?.attrs['jid'];
  const publisher = session === undefined ? undefined : parseJid(session);
  const who = {
    nick: from.ok ? resourceOf(from.value) : '',
    account: publisher?.ok === true ? bareOf(publisher.value) : '',
  };
  const retracted = childOf(element, 'retracted', RETRACT);
  if (retracted !== undefined) {
    const reason = childOf(retracted, 'reason', RETRACT);
    return { ...who, kind: 'retracted', text: reason === undefined ? '' : textOf(reason) };
  }
  const body = childOf(element, 'body');
  if (body !== undefined) return { ...who, kind: 'message', text: textOf(body) };
  const subject = childOf(element, 'subject');
  return subject && { ...who, kind: 'subject', text: textOf(subject) };
}
