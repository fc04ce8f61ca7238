/**
 * Archived messages as they are given out (XEP-0313 §4.2, XEP-0297). Their texts are put together,
 * not read again.
 */
import type { Jid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import type { Message } from '../../stanza/stanza.ts';
import { writtenMessage } from '../../stanza/stored.ts';
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
  { at, stanza }: Archived,
  uid: string,
): Message {
  const query = queryid === undefined ? '' : ` queryid="${escapeAttribute(queryid)}"`;
  const content =
    `<result xmlns="${MAM}"${query} id="${uid}"><forwarded xmlns="urn:xmpp:forward:0">` +
    `<delay xmlns="urn:xmpp:delay" stamp="${writeDateTime(at)}"/>${alone(stanza)}` +
    '</forwarded></result>';
  return writtenMessage({ from, to, id: randomId(), content });
}

const BEGINNING = '<message';

/** A stanza's text within another element: it names the namespace that it has by itself on a stream. */
function alone(stanza: string): string {
  return `${BEGINNING} xmlns="jabber:client"${stanza.slice(BEGINNING.length)}`;
}
