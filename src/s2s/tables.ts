/** What the side of other servers keeps in the database. */
import type { Migration } from '../store/store.ts';
import { historyMigrations } from './history.ts';
import { policyMigrations } from './policy.ts';
import { laterSpoolMigrations, spoolMigrations } from './spool.ts';

/** The migrations of all its tables, append-only. */
export const s2sMigrations: readonly Migration[] = [
  ...policyMigrations,
  ...spoolMigrations,
  ...historyMigrations,
  ...laterSpoolMigrations,
];
