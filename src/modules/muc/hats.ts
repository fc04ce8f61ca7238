/** XEP-0317: hats, by which a room shows what somebody does in it, beyond role and affiliation. */
import { createHash } from 'node:crypto';
import type { BareJid } from '../../jid/jid.ts';
import { type Element, el } from '../../xml/element.ts';
import { HATS } from './names.ts';

/** A hat. */
export interface Hat {
  readonly uri: string;
  readonly title: string;
  /** An angle of colour (XEP-0392), as text; '' for none. */
  readonly hue: string;
}

/** The hats of a room, and who wears which. */
export interface Hats {
  readonly known: ReadonlyMap<string, Hat>;
  /** The URIs of those that an account wears; one who wears none is not in it. */
  readonly worn: ReadonlyMap<BareJid, readonly string[]>;
}

/** No hats. */
export const NO_HATS: Hats = { known: new Map(), worn: new Map() };

/** The hats of an account; empty if it wears none. */
export const hatsOf = ({ known, worn }: Hats, account: BareJid): readonly Hat[] =>
  (worn.get(account) ?? []).flatMap((uri) => known.get(uri) ?? []);

/** `<hats/>` of an account for its presence (§3.1); undefined if it wears none. */
export function hatsElement(hats: Hats, account: BareJid): Element | undefined {
  const own = hatsOf(hats, account);
  if (own.length === 0) return undefined;
  const each = own.map(({ title, uri, hue }) =>
    el('hat', { title, uri, hue: hue === '' ? undefined : hue }),
  );
  return el('hats', { xmlns: HATS }, ...each);
}

/** A hash of the list (§2); undefined when it is empty. */
export function hashOf({ known }: Hats): string | undefined {
  if (known.size === 0) return undefined;
  const lines = [...known.values()].map(({ uri, title, hue }) => `${uri}\n${title}\n${hue}\n`);
  return createHash('sha1').update(lines.sort().join('\0')).digest('hex');
}

/** The hats with one more, or one in another form. */
export const withHat = ({ known, worn }: Hats, hat: Hat): Hats => ({
  known: new Map(known).set(hat.uri, hat),
  worn,
});

/** The hats without one, which nobody wears any more (§3.3). */
export function withoutHat({ known, worn }: Hats, uri: string): Hats {
  const left = new Map(known);
  left.delete(uri);
  let next: Hats = { known: left, worn };
  for (const [account, uris] of worn) if (uris.includes(uri)) next = takenOff(next, account, uri);
  return next;
}

/** The hats with one that an account wears, too. */
export const putOn = ({ known, worn }: Hats, account: BareJid, uri: string): Hats => ({
  known,
  worn: new Map(worn).set(account, [...new Set([...(worn.get(account) ?? []), uri])]),
});

/** The hats with one that an account wears no more; all of its hats if none is named. */
export function takenOff({ known, worn }: Hats, account: BareJid, uri?: string): Hats {
  const left = uri === undefined ? [] : (worn.get(account) ?? []).filter((each) => each !== uri);
  const next = new Map(worn);
  if (left.length === 0) next.delete(account);
  else next.set(account, left);
  return { known, worn: next };
}
