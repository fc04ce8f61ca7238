/** Random tokens, and comparing them without telling how much was right. */
import { createHash, createHmac, randomInt, timingSafeEqual } from 'node:crypto';

/** The SHA-256 of a text, as base64url. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Whether two texts are the same, in a time that does not depend on where they differ. */
export function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

/** A text that only the holder of the key can make from another. */
export function sealed(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Without letters that are taken for others when read aloud or copied by hand. */
const PASSWORD_LETTERS = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** A password of 4 groups of 5 letters and digits (more than 115 bits). */
export function generatePassword(): string {
  const letter = () => PASSWORD_LETTERS[randomInt(PASSWORD_LETTERS.length)] ?? 'x';
  return Array.from({ length: 4 }, () => Array.from({ length: 5 }, letter).join('')).join('-');
}
