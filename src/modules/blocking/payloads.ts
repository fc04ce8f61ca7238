/** The elements of XEP-0191, and the reports of XEP-0377 that stand in them. */
import { type Jid, type JidOutcome, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { payload } from '../../xml/codec.ts';
import { childrenOf, type Element, el, isNamed, textOf } from '../../xml/element.ts';

/** The namespace of block lists. */
export const BLOCKING = 'urn:xmpp:blocking';
/** The namespace of {@link blockedElement}. */
export const BLOCKING_ERRORS = 'urn:xmpp:blocking:errors';
/** The namespace of reports (XEP-0377). */
export const REPORTING = 'urn:xmpp:reporting:1';

/** `<blocklist/>`: asks for the list (XEP-0191 §3.2). */
export const BlockList = payload('blocklist', BLOCKING, {});
/** `<block/>` (§3.3); its items are read by {@link readItems}. */
export const Block = payload('block', BLOCKING, {});
/** `<unblock/>` (§3.4, §3.5); its items are read by {@link readItems}. */
export const Unblock = payload('unblock', BLOCKING, {});

/** What is said of somebody who is blocked (XEP-0377 §4). */
export interface Report {
  /** Such as `urn:xmpp:reporting:spam`. */
  readonly reason: string;
  readonly text: string;
  /** Ids by which an archive has the messages that are meant (XEP-0359). */
  readonly messages: readonly string[];
}

/** An address to be blocked or not any more. */
export interface BlockItem {
  readonly jid: Jid;
  readonly report: Report | undefined;
}

/** Limits of a report: what is beyond them is cut off, for the block holds all the same. */
const MAX_REASON = 256;
const MAX_TEXT = 2000;
const MAX_MESSAGES = 20;
const MAX_ID = 200;

/** The items of a command, each address once; a failure where one is none. */
export function readItems(
  command: Element,
): { readonly ok: true; readonly items: readonly BlockItem[] } | StanzaFailure {
  const items = new Map<Jid, BlockItem>();
  for (const child of childrenOf(command)) {
    if (!isNamed(child, 'item', BLOCKING)) continue;
    const { jid: raw } = child.attrs;
    if (raw === undefined) return { condition: 'bad-request', text: 'An item names a JID.' };
    const jid: JidOutcome<Jid> = parseJid(raw);
    if (!jid.ok) return { condition: 'jid-malformed', text: `An address is none: ${jid.why}.` };
    items.set(jid.value, { jid: jid.value, report: reportIn(child) });
  }
  return { ok: true, items: [...items.values()] };
}

/** XEP-0377 §6: the block is the same without a report, so one that has no reason is as none. */
function reportIn(item: Element): Report | undefined {
  const report = childrenOf(item).find((child) => isNamed(child, 'report', REPORTING));
  const reason = report?.attrs['reason'];
  if (report === undefined || reason === undefined || reason === '') return undefined;
  if (reason.length > MAX_REASON) return undefined;
  const texts: string[] = [];
  const messages: string[] = [];
  for (const child of childrenOf(report)) {
    if (isNamed(child, 'text', REPORTING)) texts.push(textOf(child).trim());
    if (!isNamed(child, 'stanza-id', 'urn:xmpp:sid:0') || messages.length >= MAX_MESSAGES) continue;
    const { id = '' } = child.attrs;
    if (id !== '' && id.length <= MAX_ID) messages.push(id);
  }
  return { reason, text: texts.join('\n').slice(0, MAX_TEXT), messages };
}

/** A command or list with items, such as what is pushed. */
export function itemsIn(name: 'block' | 'unblock' | 'blocklist', jids: Iterable<Jid>): Element {
  const items = [...jids].map((jid) => el('item', { jid }));
  return el(name, { xmlns: BLOCKING }, ...items);
}

/** Says why a stanza was not sent (§3.3). */
export const blockedElement = (): Element => el('blocked', { xmlns: BLOCKING_ERRORS });
