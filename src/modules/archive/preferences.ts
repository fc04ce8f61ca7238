/** XEP-0441: which messages a user wants in the archive, by whom they are from or to. */
import type { MaybePromise } from '../../core/hooks.ts';
import { type BareJid, bareOf, isFull, type Jid } from '../../jid/jid.ts';

/** §2.1.1: what happens to messages with whom no list names. */
export const DEFAULTS = ['always', 'roster', 'never'] as const;
/** One of {@link DEFAULTS}. */
export type DefaultBehaviour = (typeof DEFAULTS)[number];

/** A user's preferences. */
export interface Preferences {
  readonly default: DefaultBehaviour;
  readonly always: readonly Jid[];
  readonly never: readonly Jid[];
}

/** Preferences, made ready to be asked of each message. */
export interface PreferenceRules {
  readonly preferences: Preferences;
  /** What a list says of an address (§2.3.1); undefined when none names it. */
  listed(target: Jid): boolean | undefined;
}

/** Makes rules of preferences. What names a resource is meant more exactly than what does not. */
export function rulesOf(preferences: Preferences): PreferenceRules {
  const { always, never } = preferences;
  // An address on both lists is not archived: what was not meant to be kept cannot be taken back.
  const lists = new Map<Jid, boolean>([
    ...always.map((jid) => [jid, true] as const),
    ...never.map((jid) => [jid, false] as const),
  ]);
  return {
    preferences,
    listed: (target) =>
      lists.get(target) ?? (isFull(target) ? lists.get(bareOf(target)) : undefined),
  };
}

/**
 * Whether a message from or to an address is to be archived. What a user sends to himself is his own
 * note: for `roster` he is on his own list.
 *
 * @param isContact whether a bare JID is in the user's roster (§2.3.1)
 */
export function isWanted(
  { preferences, listed }: PreferenceRules,
  owner: BareJid,
  target: Jid,
  isContact: (contact: BareJid) => MaybePromise<boolean>,
): MaybePromise<boolean> {
  const said = listed(target);
  if (said !== undefined) return said;
  switch (preferences.default) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'roster':
      return bareOf(target) === owner || isContact(bareOf(target));
  }
}
