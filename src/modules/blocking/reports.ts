/** What users reported of whom they blocked (XEP-0377), kept for admins within bounds. */
import type { BareJid, Domain, Jid } from '../../jid/jid.ts';
import type { Migration, Query, Store } from '../../store/store.ts';
import type { Report } from './payloads.ts';

/** A report that waits for an admin. */
export interface KeptReport extends Report {
  readonly id: number;
  /** When it was made, in ms since the epoch. */
  readonly at: number;
  readonly host: Domain;
  readonly reporter: BareJid;
  readonly reported: Jid;
}

/** How many reports there may be. */
export interface ReportLimits {
  /** Of a host; the oldest go first. */
  readonly maxReports: number;
  /** Of one user on a host; his oldest go first. */
  readonly maxReportsPerUser: number;
  /** In ms. */
  readonly keepReports: number;
}

/** What one user reports at once. */
export interface MadeReports {
  readonly host: Domain;
  readonly reporter: BareJid;
  readonly reports: readonly (Report & { readonly reported: Jid })[];
}

/** Which reports to list; newest first. */
export interface ReportFilter {
  readonly host?: Domain | undefined;
  readonly offset: number;
  readonly limit: number;
}

/** Reads and changes the reports. */
export interface Reports {
  /** What to write to keep a user's reports, and to stay within the limits. */
  keeping(made: MadeReports, limits: ReportLimits): readonly Query[];
  find(id: number): Promise<KeptReport | undefined>;
  /** How many users have reported an address. */
  reportersOf(reported: Jid): Promise<number>;
  list(filter: ReportFilter): Promise<{ readonly page: KeptReport[]; readonly total: number }>;
  /** Removes those of a host that were made before a moment. */
  removeOld(host: Domain, before: number): Promise<void>;
  /** Removes one; false if there is none of that id. */
  dismiss(id: number): Promise<boolean>;
  /** Removes those that an account made. */
  removeAll(reporter: BareJid): Promise<void>;
}

interface Tables {
  reports: {
    id: number | null;
    at: number;
    host: Domain;
    reporter: BareJid;
    reported: Jid;
    reason: string;
    text: string;
    /** A JSON list. */
    messages: string;
  };
}

/** The migration of the reports' table. */
export const reportMigration: Migration = {
  name: 'reports',
  up: [
    `CREATE TABLE reports (
      id INTEGER PRIMARY KEY AUTOINCREMENT, at BIGINT NOT NULL, host TEXT NOT NULL,
      reporter TEXT NOT NULL, reported TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL,
      messages TEXT NOT NULL, UNIQUE (reporter, reported)
    )`,
  ],
};

/** Opens the reports. */
export function createReports(store: Store, now: () => number): Reports {
  const db = store.tables<Tables>();
  const of = (host: Domain) => db.selectFrom('reports').select('id').where('host', '=', host);
  const old = (host: Domain, before: number) =>
    db.deleteFrom('reports').where('host', '=', host).where('at', '<', before);
  /** All but the newest of some reports. */
  const beyond = (query: ReturnType<typeof of>, most: number) =>
    query.orderBy('id', 'desc').limit(Number.MAX_SAFE_INTEGER).offset(most);
  return {
    keeping({ host, reporter, reports }, limits) {
      if (reports.length === 0) return [];
      const at = now();
      const ofReporter = of(host).where('reporter', '=', reporter);
      return [
        ...reports
          .slice(0, limits.maxReportsPerUser)
          .flatMap(({ reported, reason, text, messages }) => [
            // Who reports the same again says it anew: it counts as the newest.
            db
              .deleteFrom('reports')
              .where('reporter', '=', reporter)
              .where('reported', '=', reported),
            db.insertInto('reports').values({
              id: null,
              at,
              host,
              reporter,
              reported,
              reason,
              text,
              messages: JSON.stringify(messages),
            }),
          ]),
        old(host, at - limits.keepReports),
        db.deleteFrom('reports').where('id', 'in', beyond(ofReporter, limits.maxReportsPerUser)),
        db.deleteFrom('reports').where('id', 'in', beyond(of(host), limits.maxReports)),
      ];
    },
    async find(id) {
      const row = await store.first(db.selectFrom('reports').selectAll().where('id', '=', id));
      return row === undefined ? undefined : reportOf(row);
    },
    async reportersOf(reported) {
      const count = db.selectFrom('reports').select((at) => at.fn.countAll<number>().as('total'));
      return (await store.first(count.where('reported', '=', reported)))?.total ?? 0;
    },
    async list({ host, offset, limit }) {
      let query = db.selectFrom('reports');
      if (host !== undefined) query = query.where('host', '=', host);
      const [rows, count] = await Promise.all([
        store.read(query.selectAll().orderBy('id', 'desc').limit(limit).offset(offset)),
        store.first(query.select((at) => at.fn.countAll<number>().as('total'))),
      ]);
      return { page: rows.map(reportOf), total: count?.total ?? 0 };
    },
    async removeOld(host, before) {
      await store.write(old(host, before));
    },
    async dismiss(id) {
      const [result] = await store.write(db.deleteFrom('reports').where('id', '=', id));
      return (result?.changes ?? 0) > 0;
    },
    async removeAll(reporter) {
      await store.write(db.deleteFrom('reports').where('reporter', '=', reporter));
    },
  };
}

const reportOf = (row: Tables['reports']): KeptReport => ({
  id: Number(row.id),
  at: Number(row.at),
  host: row.host,
  reporter: row.reporter,
  reported: row.reported,
  reason: row.reason,
  text: row.text,
  // What is in the column was written by `keeping`.
  messages: JSON.parse(row.messages) as string[],
});
