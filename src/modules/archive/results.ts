/**
 * Archived messages as they are given out (XEP-0313 §4.2, XEP-0297). Their texts are put together,
 * not read again.
 */
import type { Jid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import type { Message } from '../../stanza/stanza.ts';
import { standingAlone, writtenMessage } from '../../stanza/stored.ts';
import { writeDateTime } from '../../xml/date-time.ts';
import { escapeAttribute } from '../../xml/element.ts';
import type { Archived } from './messages.ts';
import { MAM } from './payloads.ts';

/** To whom results go, and in answer to what. */
export interface Recipient {
  /** The archive's address. */
  readonly from: Jid;
  readonly to: Jid;
  readonly queryid: string | undefined;
}

/** A result of a query. */
export function resultMessage(
  { from, to, queryid }: Recipient,
  archived: Archived,
  uid: string,
): Message {
  return writtenMessage({ from, to, id: randomId(), content: resultText(archived, uid, queryid) });
}

/** `<result/>`, as text. */
export function resultText(
  { at, stanza }: Archived,
  uid: string,
  queryid: string | undefined,
): string {
  const query = queryid === undefined ? '' : ` queryid="${escapeAttribute(queryid)}"`;
  return (
    `<result xmlns="${MAM}"${query} id="${uid}"><forwarded xmlns="urn:xmpp:forward:0">` +
    `<delay xmlns="urn:xmpp:delay" stamp="${writeDateTime(at)}"/>${standingAlone(stanza)}` +
    '</forwarded></result>'
  );
}
