/** Texts that are searched for in the database as they are, whatever letters they have. */
import { type RawBuilder, sql } from 'kysely';

/** A text as a pattern that means nothing else. */
export const literal = (text: string): string => text.replace(/[%_\\]/g, '\\$&');

/** Whether a column has a pattern of such texts; SQLite knows no escape unless it is named. */
export const isLike = (column: string, pattern: string): RawBuilder<boolean> =>
  sql<boolean>`${sql.ref(column)} like ${pattern} escape '\\'`;
