/** Changing nick and availability: XEP-0045 §7.6, §7.7. */
import { bareOf, type FullJid } from '../../jid/jid.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { isTaken, sessionOf, withSession } from './entering.ts';
import { faultOfNick, keyOf } from './nicks.ts';
import { announce, isShown, tellOthers, tellSelf } from './presence.ts';
import { nickIn, type Occupant, occupantNamed, withOccupant, withoutOccupant } from './room.ts';
import type { Turn } from './turn.ts';

/** An occupant says how he is now (§7.7). */
export function update(turn: Turn, stanza: Presence, occupant: Occupant): void {
  const now = withSession(occupant, sessionOf(stanza));
  turn.room = withOccupant(turn.room, now);
  announce(turn, now);
}

/** An occupant takes another nick (§7.6), with all of his clients. */
export function rename(
  turn: Turn,
  stanza: Presence & { readonly to: FullJid },
  occupant: Occupant,
): void {
  const { room, terms } = turn;
  const nick = nickIn(stanza.to);
  const reserved = room.affiliates.get(bareOf(stanza.from))?.nick ?? '';
  if (room.config.areNicksLocked && reserved !== '' && keyOf(reserved) !== keyOf(nick))
    return void turn.refuse(stanza, {
      condition: 'not-acceptable',
      type: 'cancel',
      text: `Your nick in this room is ${reserved}.`,
    });
  const fault = faultOfNick(nick, terms);
  if (fault !== undefined) return void turn.refuse(stanza, fault);
  const present = occupantNamed(room, nick);
  // He is there under the other nick, too: the two would become one.
  const isTwice = present !== undefined && present !== occupant;
  if (isTaken(room, nick, stanza) || isTwice)
    return void turn.refuse(stanza, {
      condition: 'conflict',
      text: `${nick} is somebody else here.`,
    });
  const moved = withSession(occupant, sessionOf(stanza));
  const parting = { type: 'unavailable', nick, codes: [303], role: occupant.role } as const;
  if (isShown(room, occupant.role)) tellOthers(turn, occupant, parting);
  tellSelf(turn, occupant, parting);
  const now = { ...moved, nick };
  turn.room = withOccupant(withoutOccupant(room, occupant), now);
  announce(turn, now);
}
