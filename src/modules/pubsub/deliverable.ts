/** Whether a subscriber is notified now: XEP-0060 §12.3, §12.5. */
import { bareOf, isBare, type Jid } from '../../jid/jid.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { childOf, textOf } from '../../xml/element.ts';
import type { Context } from './context.ts';
import { SHOW_VALUES, type ShowValue, type SubscriptionOptions } from './subscription-options.ts';

/** Whether he is, by what he has set and how he is available. */
export function isDeliverable(
  { home }: Context,
  jid: Jid,
  { delivers, shows, expire }: SubscriptionOptions,
): boolean {
  if (!delivers || (expire !== undefined && expire <= home.clock.now())) return false;
  if (shows === undefined) return true;
  return home.sessions
    .of(bareOf(jid))
    .filter((session) => isBare(jid) || session.jid === jid)
    .some(({ presence }) => presence !== undefined && shows.includes(showIn(presence)));
}

/** What a presence says, `online` where it says nothing that there is (RFC 6121 §4.7.2.1). */
function showIn({ element }: Presence): ShowValue {
  const show = childOf(element, 'show');
  const said = show === undefined ? '' : textOf(show).trim();
  return SHOW_VALUES.find((each) => each === said) ?? 'online';
}
