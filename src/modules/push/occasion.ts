/** What a device is woken for. */
import { type BareJid, bareOf, domainOf, type Jid } from '../../jid/jid.ts';
import { type Content, carriesAny, contentOf, type Trait } from '../../stanza/content.ts';
import { Delay } from '../../stanza/delay.ts';
import type { Message } from '../../stanza/stanza.ts';
import { childOf, childrenOf, textOf } from '../../xml/element.ts';

/** Something that has happened to an account. */
export interface Occasion {
  /** A `call` does not wait; a `request` is one for a subscription. */
  readonly kind: 'message' | 'call' | 'request';
  readonly sender: Jid;
  /** The text of a message that is not encrypted. */
  readonly text: string | undefined;
  /** Whether only a session that is there, or will be resumed, ever gets it. */
  readonly isFleeting: boolean;
}

/** What somebody is to be told of. */
const WORTH: readonly Trait[] = ['body', 'encrypted', 'invitation', 'call'];
/** What has a body for those who do not know better, but says nothing new. */
const TRIFLES: readonly Trait[] = ['correction', 'retraction', 'reactions', 'carbon', 'result'];
/** Nobody who is away now will ever get it (XEP-0334 §4). */
const FLEETING: readonly Trait[] = ['no-store', 'no-permanent-store'];

/** Of a text, so many characters are told: a notification is no letter. */
const MAX_TEXT = 400;

/** What an account's devices are woken for by a message; undefined when it can wait. */
export function occasionOf(message: Message, account: BareJid): Occasion | undefined {
  const { type, from } = message;
  if (type === 'error' || type === 'headline') return undefined;
  if (bareOf(from) === account) return undefined; // who wrote it knows it
  const content = contentOf(message);
  if (!carriesAny(content, WORTH) || carriesAny(content, TRIFLES)) return undefined;
  const isCall = content.has('call');
  if (isCall && !isIncoming(message)) return undefined;
  if (isOld(message, account)) return undefined;
  return {
    kind: isCall ? 'call' : 'message',
    sender: from,
    text: textIn(message, content),
    isFleeting: carriesAny(content, FLEETING),
  };
}

/** A request for a subscription to the account. */
export function requestFrom(contact: BareJid): Occasion {
  return { kind: 'request', sender: contact, text: undefined, isFleeting: false };
}

/** Whether somebody calls (XEP-0353 §3.1, XEP-0482 §4.1): what follows that wakes nobody. */
function isIncoming({ element }: Message): boolean {
  return (
    childOf(element, 'propose', 'urn:xmpp:jingle-message:0') !== undefined ||
    childOf(element, 'invite', 'urn:xmpp:call-invites:0') !== undefined
  );
}

/** Whether it has waited here before, so that the device was woken for it then (XEP-0203). */
function isOld({ element }: Message, account: BareJid): boolean {
  return childrenOf(element).some((child) => {
    const from = Delay.decode(child)?.from;
    return from !== undefined && (from === account || from === domainOf(account));
  });
}

function textIn({ element }: Message, content: Content): string | undefined {
  const body = content.has('encrypted') ? undefined : childOf(element, 'body');
  if (body === undefined) return undefined;
  const text = textOf(body);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
