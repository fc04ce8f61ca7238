/** An archive that comes from another server (XEP-0227 §4.11), a few messages at a time. */
import { createHash } from 'node:crypto';
import type { Intake, Newcomer, PassedOver, Portion } from '../../core/intake.ts';
import { type BareJid, bareOf, parseJid } from '../../jid/jid.ts';
import { Delay } from '../../stanza/delay.ts';
import { messageForwardedIn } from '../../stanza/forward.ts';
import { readStanza } from '../../stanza/stanza.ts';
import { childOf, clone, type Element, isNamed } from '../../xml/element.ts';
import type { Foreign } from './adopting.ts';
import type { Archives } from './archives.ts';
import { MAM } from './payloads.ts';
import { worthOf } from './rules.ts';

const ARCHIVE = 'urn:xmpp:pie:0#mam';
/** Longer ids are no use to anybody. */
const MOST_UID = 256;

/** Takes messages in; undefined for what is none of an archive. */
export async function importedArchive(
  archives: Archives,
  now: number,
  { account, isDry }: Newcomer,
  { within, elements }: Portion,
): Promise<Intake | undefined> {
  const [holder] = within;
  if (holder === undefined || !isNamed(holder, 'archive', ARCHIVE)) return undefined;
  const passed: PassedOver[] = [];
  const read: Foreign[] = [];
  for (const element of elements) {
    const message = readResult(element, account, now);
    if (typeof message !== 'string') read.push(message);
    else passed.push({ what: 'an archived message', why: message });
  }
  if (!isDry && read.length > 0) await archives.adopt(await archives.of(account), read);
  return { kind: 'archived messages', taken: read.length, passed };
}

/** A `<result/>`; why it cannot be kept, if it cannot. */
function readResult(result: Element, account: BareJid, now: number): Foreign | string {
  if (!isNamed(result, 'result', MAM)) return 'it is no result of XEP-0313';
  const wrapper = childOf(result, 'forwarded', 'urn:xmpp:forward:0');
  const delay = wrapper === undefined ? undefined : childOf(wrapper, 'delay', Delay.ns);
  const at = delay === undefined ? undefined : Delay.decode(delay)?.stamp;
  if (at === undefined || at < 0) return 'it does not say when it came';
  if (at > now) return 'it is of the future';
  const forwarded = messageForwardedIn(result);
  if (forwarded === undefined) return 'there is no message in it';
  const element = clone(forwarded);
  delete element.attrs.xmlns; // as in a stream, where it is not named
  const from = parseJid(element.attrs['from'] ?? account);
  if (!from.ok) return `its sender is none: ${from.why}`;
  const stanza = readStanza(element, { from: from.value, defaultTo: account });
  if (!stanza.ok || stanza.stanza.kind !== 'message') return 'its message is none';
  const message = stanza.stanza;
  if (message.type === 'groupchat' || message.type === 'error')
    return 'messages of rooms are in the archives of rooms, and errors in none';
  const isSent = bareOf(from.value) === account;
  if (!isSent && bareOf(message.to) !== account) return 'it is between others';
  const text = message.wire.text;
  const { id = '' } = result.attrs;
  return {
    uid: id !== '' && id.length <= MOST_UID ? id : digest(`${at} ${text}`),
    at,
    peer: isSent ? message.to : from.value,
    text,
    isSearchable: worthOf(message) === 'searchable',
  };
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64url');
