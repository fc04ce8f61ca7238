/** Tokens, and the addresses that carry them. */
import { type BareJid, domainOf, localOf } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import type { Invitation } from './tables.ts';

/** Letters and digits, of 62 kinds each: 160 bits (XEP-0379 §5.1 wants 80). */
const TOKEN_LENGTH = 27;
const TOKEN = /^[A-Za-z0-9]{27}$/;

/** A token that nobody can guess. */
export function newToken(): string {
  for (;;) {
    const letters = randomId(48).replaceAll(/[-_]/g, '');
    if (letters.length >= TOKEN_LENGTH) return letters.slice(0, TOKEN_LENGTH);
  }
}

/** Whether a text can be a token. */
export const isToken = (text: string): boolean => TOKEN.test(text);

/** A bare JID as it stands in a URI (RFC 5122 §2.3). */
function pathOf(jid: BareJid): string {
  return `${encodeURIComponent(localOf(jid))}@${encodeURIComponent(domainOf(jid))}`;
}

/**
 * The `xmpp:` URI of an invitation: for a name (XEP-0445 §2.1), with a contact (§2.3), or for any name
 * (§2.2).
 */
export function uriOf({ kind, host, account, inviter }: Invitation, token: string): string {
  if (account !== undefined) return `xmpp:${pathOf(account)}?register;preauth=${token}`;
  if (inviter !== undefined) {
    const ibr = kind === 'invitation' ? ';ibr=y' : ''; // XEP-0401 §5.1
    return `xmpp:${pathOf(inviter)}?roster;preauth=${token}${ibr}`;
  }
  return `xmpp:${encodeURIComponent(host)}?register;preauth=${token}`;
}
