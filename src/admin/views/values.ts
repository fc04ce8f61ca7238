/**
 * What the views of this folder are made of. A view is what a page reads of an operation's value: the
 * operation may say more; a page that finds less than it needs shows a problem instead of half a page.
 */
import { z } from 'zod';

/** A text. */
export const text = z.string();
/** A number, or a time in ms since the epoch. */
export const count = z.number();
/** A text that may be missing. */
export const maybeText = text.nullish().transform((value) => value ?? undefined);
/** A number, or a time, that may be missing. */
export const maybeCount = count.nullish().transform((value) => value ?? undefined);
/** How good or bad a finding is. */
export const level = z.enum(['ok', 'warning', 'error']);
