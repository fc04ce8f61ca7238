/**
 * Sessions that may be resumed outlive the process (XEP-0198 §5): a server that goes down in good
 * order writes down where they stand, and takes them up again when it is back. After a crash there is
 * nothing of them, and what their clients had not acknowledged waits in the spool.
 */
import { domainOf, parseFull } from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import type { Migration, Store } from '../store/store.ts';
import { type FrozenSession, frozenSession } from './frozen.ts';
import type { Link } from './link.ts';
import type { C2sServices } from './services.ts';
import { ClientSession } from './session.ts';

interface Tables {
  sleeping_sessions: { id: string; state: string };
}

/** The migrations of the client side. */
export const c2sMigrations: readonly Migration[] = [
  {
    name: 'sessions that sleep while the server is down',
    up: ['CREATE TABLE sleeping_sessions (id TEXT PRIMARY KEY, state TEXT NOT NULL)'],
  },
];

/** Sessions that are written at a time. */
const BATCH = 50;

/** Writes down the sessions that sleep. */
export async function freezeAll(store: Store, services: C2sServices): Promise<void> {
  const db = store.tables<Tables>();
  const frozen: FrozenSession[] = [];
  for (const session of services.sleepers.asleep()) {
    const state = await session.freeze();
    if (state !== undefined) frozen.push(state);
  }
  for (let at = 0; at < frozen.length; at += BATCH) {
    const rows = frozen
      .slice(at, at + BATCH)
      .map((state) => ({ id: state.resumeId, state: JSON.stringify(state) }));
    await store.write(db.insertInto('sleeping_sessions').values(rows));
  }
}

/** Takes up the sessions that were written down; each is taken up once. Answers how many. */
export async function thawAll(store: Store, services: C2sServices): Promise<number> {
  const db = store.tables<Tables>();
  const { hosts, accounts, sessions, log, clock } = services;
  const rows = await store.read(db.selectFrom('sleeping_sessions').select('state'));
  if (rows.length > 0) await store.write(db.deleteFrom('sleeping_sessions'));
  let count = 0;
  for (const row of rows) {
    const read = frozenSession.safeParse(JSON.parse(row.state));
    const jid = read.success ? parseFull(read.data.jid) : undefined;
    if (read.data === undefined || jid?.ok !== true) {
      log.error('a session that was written down is unreadable');
      continue;
    }
    const isServed = hosts.get(domainOf(jid.value)) !== undefined;
    if (!isServed || read.data.until <= clock.now() || sessions.at(jid.value) !== undefined)
      continue; // its messages wait in the spool
    const session = new ClientSession(absentLink(read.data, services), services, {
      jid: jid.value,
      isAnonymous: false,
      language: read.data.language,
      security: {
        protocol: read.data.security.protocol,
        cipher: read.data.security.cipher,
        mechanism: read.data.security.mechanism,
      },
      device: read.data.device,
      isBind2: read.data.isBind2,
    });
    if (!(await accounts.exists(session.account))) continue;
    session.thaw(read.data);
    count += 1;
  }
  return count;
}

/** What stands for the connection of a session that has had none since the server went down. */
function absentLink({ remote, lastActive }: FrozenSession, { log }: C2sServices): Link {
  const id = randomId();
  return {
    id,
    remote,
    lastActive,
    isOver: true,
    position: 0,
    gone: 0,
    goneByGoodbye: 0,
    waiting: 0,
    write() {},
    allow() {},
    end() {},
    replaced() {},
    note: (level, facts, text) => log[level]({ stream: id, remote, ...facts }, text),
  };
}
