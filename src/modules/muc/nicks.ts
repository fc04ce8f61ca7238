/** Nicks: which are good, and which are one and the same: XEP-0045 §13.1, §13.6. */
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Terms } from './turn.ts';

/** By what nicks are compared: one that only looks like another is the same. */
export type NickKey = string;

/**
 * Letters of other scripts with which a Latin nick can be imitated (UTS #39, confusables that are the
 * same in usual fonts), in lower case, each before its double.
 */
const LOOKALIKES =
  'аaеeоoрpсcуyхxіiјjѕsһhԁdԛqԝwӏlкkмmтtвbнhгrпnοoαaνvρpιiκkυuτtχxγyηnօoսuհhցgոnɡgıi';

const DOUBLES: ReadonlyMap<string, string> = new Map(
  Array.from({ length: LOOKALIKES.length / 2 }, (_, index) => [
    LOOKALIKES.charAt(2 * index),
    LOOKALIKES.charAt(2 * index + 1),
  ]),
);

const FOREIGN = /[^\0-\x7f]/;
/** Marks and joiners that nobody sees. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu;

/**
 * By what a nick is compared: without regard to case, width, space, what cannot be seen, and the script
 * of letters that look alike (§13.6).
 */
export function keyOf(nick: string): NickKey {
  if (!FOREIGN.test(nick)) return nick.toLowerCase().trim().replace(/\s+/g, ' ');
  const plain = nick.normalize('NFKC').replace(UNSEEN, '').toLowerCase();
  let key = '';
  for (const letter of plain) key += DOUBLES.get(letter) ?? letter;
  return key.trim().replace(/\s+/g, ' ');
}

/** What is wrong with a nick; undefined for a good one. */
export function faultOfNick(nick: string, { settings }: Terms): StanzaFailure | undefined {
  if (nick === '') return { condition: 'jid-malformed', text: 'A nick is needed to enter a room.' };
  // §13.1: nor invisible ones.
  if (keyOf(nick).replace(/[\p{C}\p{Z}]/gu, '') === '')
    return { condition: 'jid-malformed', text: 'A nick must have something that can be seen.' };
  if ([...nick].length > settings.nickLength)
    return {
      condition: 'not-acceptable',
      text: `A nick has at most ${settings.nickLength} characters.`,
    };
  return undefined;
}
