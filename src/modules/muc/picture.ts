/** XEP-0486: the picture of a room, in a vCard (XEP-0054) that its owners publish. */
import { createHash } from 'node:crypto';
import { bareOf } from '../../jid/jid.ts';
import type { Iq } from '../../stanza/stanza.ts';
import {
  childOf,
  childrenOf,
  type Element,
  isNamed,
  serialise,
  textOf,
} from '../../xml/element.ts';
import { VCARD } from './names.ts';
import { tellConfigured } from './owner.ts';
import { affiliationMay } from './privileges.ts';
import { affiliationOf } from './room.ts';
import type { Turn } from './turn.ts';

/** §6.1: one picture in several formats. */
const MAX_PHOTOS = 8;

/** An owner publishes a vCard, or takes it back by an empty one (§4.2). */
export function setVCard(turn: Turn, iq: Iq, card: Element): void {
  const { room, terms } = turn;
  if (!affiliationMay(affiliationOf(room, bareOf(iq.from)), 'configure'))
    return void turn.refuse(iq, {
      condition: 'forbidden',
      text: 'Only owners are allowed to set avatars.',
    });
  if (room.isLocked)
    return void turn.refuse(iq, {
      condition: 'unexpected-request',
      text: 'The room has to be configured first.',
    });
  const xml = serialise(card);
  const most = terms.settings.vcardSize;
  if (Buffer.byteLength(xml) > most)
    return void turn.refuse(iq, {
      condition: 'policy-violation',
      text: `The vCard of a room may have up to ${most} bytes.`,
    });
  const isEmpty = card.children.length === 0;
  const pictures = hashesIn(card);
  turn.vcard = { xml: isEmpty ? undefined : xml, pictures };
  turn.room = { ...room, pictures };
  turn.answer(iq);
  tellConfigured(turn, [104]);
}

/** The hashes of the photos in a vCard, as XEP-0153 §3.1 has them: SHA-1 of each image, in hex. */
function hashesIn(card: Element): string[] {
  const photos = childrenOf(card).filter((child) => isNamed(child, 'PHOTO', VCARD));
  return photos.slice(0, MAX_PHOTOS).flatMap((photo) => {
    const data = childOf(photo, 'BINVAL', VCARD);
    const image = Buffer.from(data === undefined ? '' : textOf(data), 'base64');
    return image.length === 0 ? [] : [createHash('sha1').update(image).digest('hex')];
  });
}

/** Whether somebody asks for the vCard of a room. */
export const isVCardRequest = ({ type, payload }: Iq): boolean =>
  type === 'get' && payload !== undefined && isNamed(payload, 'vCard', VCARD);
