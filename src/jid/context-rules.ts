/** Code points that are allowed in a certain company only (RFC 5892 appendix A). */

// Joining_Type by Unicode 17; JavaScript's expressions have no name for the property.
const JOINS_FORWARD =
  /^[\u0620\u0626\u0628\u062a-\u062e\u0633-\u063f\u0641-\u0647\u0649\u064a\u066e\u066f\u0678-\u0687\u069a-\u06bf\u06c1\u06c2\u06cc\u06ce\u06d0\u06d1\u06fa-\u06fc\u06ff\u0712-\u0714\u071a-\u071d\u071f-\u0727\u0729\u072b\u072d\u072e\u074e-\u0758\u075c-\u076a\u076d-\u0770\u0772\u0775-\u0777\u077a-\u077f\u07ca-\u07ea\u0841-\u0845\u0848\u084a-\u0853\u0855\u0860\u0862-\u0865\u0868\u0886\u0889-\u088d\u088f\u08a0-\u08a9\u08af\u08b0\u08b3-\u08b8\u08ba-\u08c8\u1807\u1820-\u1878\u1887-\u18a8\u18aa\ua840-\ua872\u{10ac0}-\u{10ac4}\u{10acd}\u{10ad3}-\u{10adc}\u{10ade}-\u{10ae0}\u{10aeb}-\u{10aee}\u{10b80}\u{10b82}\u{10b86}-\u{10b88}\u{10b8a}\u{10b8b}\u{10b8d}\u{10b90}\u{10bad}\u{10bae}\u{10d00}-\u{10d21}\u{10d23}\u{10ec3}\u{10ec4}\u{10ec6}\u{10ec7}\u{10f30}-\u{10f32}\u{10f34}-\u{10f44}\u{10f51}-\u{10f53}\u{10f70}-\u{10f73}\u{10f76}-\u{10f81}\u{10fb0}\u{10fb2}\u{10fb3}\u{10fb8}\u{10fbb}\u{10fbc}\u{10fbe}\u{10fbf}\u{10fc1}\u{10fc4}\u{10fca}\u{10fcb}\u{1e900}-\u{1e943}]$/u;
const JOINS_BACK_ONLY =
  /^[\u0622-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef\u0710\u0715-\u0719\u071e\u0728\u072a\u072c\u072f\u074d\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779\u0840\u0846\u0847\u0849\u0854\u0856-\u0858\u0867\u0869\u086a\u0870-\u0882\u088e\u08aa-\u08ac\u08ae\u08b1\u08b2\u08b9\u{10ac5}\u{10ac7}\u{10ac9}\u{10aca}\u{10ace}-\u{10ad2}\u{10add}\u{10ae1}\u{10ae4}\u{10aef}\u{10b81}\u{10b83}-\u{10b85}\u{10b89}\u{10b8c}\u{10b8e}\u{10b8f}\u{10b91}\u{10ba9}-\u{10bac}\u{10d22}\u{10ec2}\u{10f33}\u{10f54}\u{10f74}\u{10f75}\u{10fb4}-\u{10fb6}\u{10fb9}\u{10fba}\u{10fbd}\u{10fc2}\u{10fc3}\u{10fc9}]$/u;
// Left-joining letters, which do not join back to what stands before them.
const JOINS_FORWARD_ONLY = /^[\ua872\u{10acd}\u{10ad7}\u{10d00}\u{10fcb}]$/u;
const TRANSPARENT = /^[\p{Mn}\p{Me}]$/u;

/** Whether a code point that is `context` by RFC 8264 §8 stands in a company that allows it. */
export function meetsContextRule(chars: readonly string[], at: number): boolean {
  const before = chars[at - 1];
  const after = chars[at + 1];
  switch (chars[at]) {
    case '\u200c': // A.1 zero width non-joiner
      return isVirama(before) || standsBetweenJoining(chars, at);
    case '\u200d': // A.2 zero width joiner
      return isVirama(before);
    case '\u00b7': // A.3 middle dot, as in Catalan
      return before === 'l' && after === 'l';
    case '\u0375': // A.4 Greek lower numeral sign
      return after !== undefined && /\p{Script=Greek}/u.test(after);
    case '\u05f3': // A.5 Hebrew geresh
    case '\u05f4': // A.6 Hebrew gershayim
      return before !== undefined && /\p{Script=Hebrew}/u.test(before);
    case '\u30fb': // A.7 Katakana middle dot
      return chars.some((char) =>
        /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(char),
      );
    default: // A.8 and A.9: the two rows of Arabic digits are not mixed
      return !(chars.some(isArabicIndic) && chars.some(isExtendedArabicIndic));
  }
}

const isArabicIndic = (char: string) => /[\u0660-\u0669]/.test(char);
const isExtendedArabicIndic = (char: string) => /[\u06f0-\u06f9]/.test(char);

/** A.1: (L or D) T* here T* (R or D). */
function standsBetweenJoining(chars: readonly string[], at: number): boolean {
  const before = chars.slice(0, at).findLast((char) => !TRANSPARENT.test(char));
  const after = chars.slice(at + 1).find((char) => !TRANSPARENT.test(char));
  if (before === undefined || after === undefined || !JOINS_FORWARD.test(before)) return false;
  return (
    JOINS_BACK_ONLY.test(after) || (JOINS_FORWARD.test(after) && !JOINS_FORWARD_ONLY.test(after))
  );
}

/**
 * Whether a code point has the combining class 9. Canonical ordering tells: such a mark moves before
 * one of class 10 (Hebrew sheva) and behind one of class 8 (kana voiced sound mark).
 */
function isVirama(char: string | undefined): boolean {
  if (char === undefined) return false;
  return (
    `\u05b0${char}`.normalize('NFD') === `${char}\u05b0` &&
    `${char}\u3099`.normalize('NFD') === `\u3099${char}`
  );
}
