/** The audit log: what admins changed, and what is private that they looked at. */
import type { Clock } from '../kit/clock.ts';
import type { Migration, Store } from '../store/store.ts';
import type { AuditSink } from './operation.ts';

/** One entry of the audit log. */
export interface AuditEntry {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The admin's bare JID, or `root`. */
  readonly actor: string;
  /** The face: `socket`, `console`, `offline`, `rest`, `setup`, `xmpp`. */
  readonly via: string;
  /** The remote address; empty where there is none. */
  readonly remote: string;
  readonly operation: string;
  /** The input without its secrets, as JSON. */
  readonly input: string;
  /** `done`, or why not. */
  readonly outcome: string;
}

/** Reads and writes the audit log. */
export interface Audit extends AuditSink {
  /** The newest entries before an id, newest first. */
  list(filter: {
    readonly before?: number;
    readonly limit: number;
  }): Promise<readonly AuditEntry[]>;
}

interface Tables {
  audit_log: Omit<AuditEntry, 'id'> & { id: number | null };
}

/** The migrations of the audit log. */
export const auditMigrations: readonly Migration[] = [
  {
    name: 'audit log',
    up: [
      `CREATE TABLE audit_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at BIGINT NOT NULL, actor TEXT NOT NULL,
        via TEXT NOT NULL, remote TEXT NOT NULL, operation TEXT NOT NULL,
        input TEXT NOT NULL, outcome TEXT NOT NULL
      )`,
    ],
  },
];

/** Opens the audit log. */
export function createAudit(store: Store, clock: Clock): Audit {
  const db = store.tables<Tables>();
  return {
    async record({ actor, operation, input, outcome }) {
      const row = {
        id: null,
        at: clock.now(),
        actor: actor.name,
        via: actor.via,
        remote: actor.remote ?? '',
        operation,
        input: JSON.stringify(input),
        outcome,
      };
      await store.write(db.insertInto('audit_log').values(row));
    },
    async list({ before, limit }) {
      let query = db.selectFrom('audit_log').selectAll().orderBy('id', 'desc').limit(limit);
      if (before !== undefined) query = query.where('id', '<', before);
      const rows = await store.read(query);
      return rows.map((row) => ({ ...row, id: Number(row.id), at: Number(row.at) }));
    },
  };
}
