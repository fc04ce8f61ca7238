/** The string classes of PRECIS (RFC 8264 §4): what each code point may be used for. */
import { meetsContextRule } from './context-rules.ts';

/** RFC 8264 §4.2 and §4.3: names, or any text. */
export type StringClass = 'identifier' | 'freeform';

/** What RFC 8264 §8 derives for a code point; `freeform` is ID_DIS or FREE_PVAL. */
export type DerivedProperty = 'valid' | 'freeform' | 'context' | 'disallowed';

// §9.6 (RFC 5892 §2.6): code points whose general category would say something else.
const EXCEPTIONALLY_VALID = /^[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007]$/u;
const CONTEXT_OTHER = /^[\u00b7\u0375\u05f3\u05f4\u30fb\u0660-\u0669\u06f0-\u06f9]$/u;
const EXCEPTIONALLY_DISALLOWED = /^[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]$/u;
const NONCHARACTER = /^\p{Noncharacter_Code_Point}$/u;
const UNASSIGNED = /^\p{Cn}$/u;
const ASCII7 = /^[!-~]$/;
const JOIN_CONTROL = /^[\u200c\u200d]$/u;
const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/u;
const IGNORABLE_OR_CONTROL = /^[\p{Default_Ignorable_Code_Point}\p{Cc}]$/u;
const LETTER_DIGITS = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u;
const OTHER_TEXT = /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]$/u;

/**
 * The derived property of one code point, in the order of RFC 8264 §8, by the Unicode version of the
 * running Node. An unassigned code point is `disallowed`.
 */
export function derivedProperty(char: string): DerivedProperty {
  if (EXCEPTIONALLY_VALID.test(char)) return 'valid';
  if (CONTEXT_OTHER.test(char)) return 'context';
  if (EXCEPTIONALLY_DISALLOWED.test(char)) return 'disallowed';
  if (NONCHARACTER.test(char) || UNASSIGNED.test(char)) return 'disallowed';
  if (ASCII7.test(char)) return 'valid';
  if (JOIN_CONTROL.test(char)) return 'context';
  if (OLD_HANGUL_JAMO.test(char) || IGNORABLE_OR_CONTROL.test(char)) return 'disallowed';
  if (char.normalize('NFKC') !== char) return 'freeform'; // §9.17 HasCompat
  if (LETTER_DIGITS.test(char)) return 'valid';
  if (OTHER_TEXT.test(char)) return 'freeform';
  return 'disallowed';
}

/** Whether all code points of a text belong to a string class, context rules included. */
export function isOfClass(text: string, stringClass: StringClass): boolean {
  const chars = [...text];
  return chars.every((char, at) => {
    const property = derivedProperty(char);
    if (property === 'context') return meetsContextRule(chars, at);
    return property === 'valid' || (property === 'freeform' && stringClass === 'freeform');
  });
}
