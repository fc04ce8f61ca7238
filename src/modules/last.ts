/** XEP-0012: Last Activity, of accounts and of the server. */

import { z } from 'zod';
import { accountJid } from '../config/fields.ts';
import { verdict } from '../core/hooks.ts';
import { onIq, reply } from '../core/iq.ts';
import { defineModule, type Home } from '../core/module.ts';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { kind, time } from '../core/operation-fields.ts';
import type { Session } from '../core/sessions.ts';
import { type BareJid, bareOf, isFull, type Jid } from '../jid/jid.ts';
import type { Timer } from '../kit/clock.ts';
import { prepare } from '../store/store.ts';
import { integerAttr, optional, payload, text } from '../xml/codec.ts';
import { childOf, isNamed, textOf } from '../xml/element.ts';
import { roster } from './roster/index.ts';

/** `<query/>`: empty in a request; in an answer seconds and, of a user, the last status. */
export const LastActivity = payload('query', 'jabber:iq:last', {
  seconds: optional(integerAttr('seconds')),
  status: text,
});

/** Of a status, so many characters are kept. */
const STATUS_LENGTH = 1024;

interface LastSeen {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** '' if there was none. */
  readonly status: string;
  /** When the session began that ended then; null of those that ended before that was kept. */
  readonly login: number | null;
}

interface Tables {
  last_activity: { account: BareJid } & LastSeen;
}

/** The module. */
export const last = defineModule({
  name: 'last',
  specs: [{ xep: 12, version: '2.0', covers: 'complete' }],
  needs: ['roster'],
  features: [LastActivity.ns],
  accountFeatures: [LastActivity.ns],
  tables: [
    {
      name: 'last activity',
      up: [
        `CREATE TABLE last_activity (
          account TEXT PRIMARY KEY, at BIGINT NOT NULL, status TEXT NOT NULL
        )`,
      ],
    },
    { name: 'last login', up: ['ALTER TABLE last_activity ADD COLUMN login BIGINT'] },
  ],
  setup(home) {
    const { clock, sessions } = home;
    const rosters = home.use(roster);
    const table = lastTable(home);
    const started = clock.monotonic();
    const parting = new WeakMap<Session, string>();
    // Contacts hear that a user left before that is on record; until then he was active just now.
    const here = new Set<BareJid>();

    const maySee = async (account: BareJid, asker: Jid): Promise<boolean> =>
      (await rosters.of(account)).items.get(bareOf(asker))?.from === true;
    const ofAccount = async (account: BareJid) => {
      if (sessions.of(account).length > 0 || here.has(account))
        return reply.result(LastActivity.encode({ seconds: 0, status: '' })); // §3
      const seen = await table.of(account);
      if (seen === undefined) return reply.refuse('item-not-found', 'The user was never here.');
      const seconds = Math.max(0, Math.floor((clock.now() - seen.at) / 1000));
      return reply.result(LastActivity.encode({ seconds, status: seen.status }));
    };

    return {
      operations: [lastOperation(home, table)],
      stop: async () => void (await table.flush()),
      iq: [
        onIq('get', ['server'], LastActivity, () => {
          const seconds = Math.floor((clock.monotonic() - started) / 1000);
          return reply.result(LastActivity.encode({ seconds, status: '' })); // §5
        }),
        onIq('get', ['self'], LastActivity, ({ account }) => ofAccount(account)),
        onIq('get', ['account'], LastActivity, async ({ account, from }) =>
          (await maySee(account, from)) ? ofAccount(account) : reply.refuse('forbidden'),
        ),
        // §3; whether there is such an account is not to be learned here.
        onIq('get', ['nobody'], LastActivity, () => reply.refuse('forbidden')),
      ],
      hooks: {
        fromAccount(stanza, session) {
          if (stanza.kind === 'presence' && stanza.to === undefined) {
            const status = childOf(stanza.element, 'status');
            if (stanza.type === 'unavailable' && status !== undefined)
              parting.set(session, textOf(status).slice(0, STATUS_LENGTH));
            else parting.delete(session);
          }
          return verdict.pass;
        },
        // §4: a client is not asked by those who may not see its presence
        toAccount(stanza, account) {
          if (stanza.kind !== 'iq' || stanza.type !== 'get' || !isFull(stanza.to))
            return verdict.pass;
          if (stanza.payload === undefined || bareOf(stanza.from) === account) return verdict.pass;
          if (!isNamed(stanza.payload, LastActivity.name, LastActivity.ns)) return verdict.pass;
          return maySee(account, stanza.from).then((isAllowed) =>
            isAllowed ? verdict.pass : verdict.bounce({ condition: 'forbidden' }),
          );
        },
        sessionBound({ account, isAnonymous }) {
          if (!isAnonymous) here.add(account);
        },
        sessionEnded(session) {
          const { account } = session;
          if (session.isAnonymous || sessions.of(account).length > 0) return;
          const status = parting.get(session) ?? '';
          table.set(account, { at: clock.now(), status, login: session.since });
          here.delete(account);
        },
        accountRemoved: (account) => table.remove(account),
      },
    };
  },
});

/** XEP-0133 §4.9: when a user came last. */
function lastOperation(
  { accounts, sessions }: Pick<Home<undefined>, 'accounts' | 'sessions'>,
  table: ReturnType<typeof lastTable>,
): AnyOperation {
  const moment = time.nullable();
  return operation({
    name: 'accounts.last',
    command: ['user', 'last'],
    summary: 'Show when a user was here last.',
    effect: 'read',
    offline: true,
    about: ({ jid }) => jid,
    positional: ['jid'],
    input: z.object({ jid: accountJid().meta({ ...kind('jid'), description: 'The account.' }) }),
    output: z.object({
      jid: z.string(),
      online: z.boolean(),
      login: moment.describe('When he came last; nothing if he was never here.'),
      left: moment.describe('When he went; nothing while he is here.'),
      status: z.string().describe('What he said when he went.'),
    }),
    async run({ jid }) {
      if ((await accounts.get(jid)) === undefined)
        return failure('not-found', `There is no ${jid}.`);
      const began = sessions.of(jid).map(({ since }) => since);
      if (began.length > 0) {
        const here = { online: true, login: Math.max(...began), left: null, status: '' };
        return success({ jid, ...here });
      }
      const seen = await table.of(jid);
      const { login = null, at = null, status = '' } = seen ?? {};
      return success({ jid, online: false, login, left: at, status });
    },
  });
}

/** How long a record waits for others, and how many wait: leaving is not kept up by the disk. */
const GATHER_MS = 1000;
const MOST_GATHERED = 500;

/** The records of who left. Those of the last second are in memory; a crash forgets them. */
function lastTable({ store, clock, log }: Pick<Home<undefined>, 'store' | 'clock' | 'log'>) {
  const db = store.tables<Tables>();
  const set = prepare((is: Tables['last_activity']) => {
    const seen = { at: is.at, status: is.status, login: is.login };
    return db
      .insertInto('last_activity')
      .values({ account: is.account, ...seen })
      .onConflict((conflict) => conflict.column('account').doUpdateSet(seen));
  });
  let gathered = new Map<BareJid, LastSeen>();
  /** What is being written. */
  let leaving: ReadonlyMap<BareJid, LastSeen> = new Map();
  let writing: Promise<unknown> = Promise.resolve();
  let timer: Timer | undefined;

  const write = async () => {
    const taken = gathered;
    if (taken.size === 0) return;
    gathered = new Map();
    leaving = taken;
    try {
      await store.write(...[...taken].map(([account, seen]) => set({ account, ...seen })));
    } catch (error) {
      log.error({ err: error, accounts: taken.size }, 'when users left could not be written');
    }
    leaving = new Map();
  };
  /** Writes what was gathered; resolves when that, and all before it, is done. */
  const flush = (): Promise<unknown> => {
    timer?.cancel();
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };

  return {
    async of(account: BareJid): Promise<LastSeen | undefined> {
      const fresh = gathered.get(account) ?? leaving.get(account);
      if (fresh !== undefined) return fresh;
      const query = db.selectFrom('last_activity').select(['at', 'status', 'login']);
      const row = await store.first(query.where('account', '=', account));
      if (row === undefined) return undefined;
      const login = row.login === null ? null : Number(row.login);
      return { at: Number(row.at), status: row.status, login };
    },
    set(account: BareJid, seen: LastSeen): void {
      gathered.set(account, seen);
      if (gathered.size >= MOST_GATHERED) void flush();
      else timer ??= clock.after(GATHER_MS, () => void flush());
    },
    async remove(account: BareJid): Promise<void> {
      await flush();
      await store.write(db.deleteFrom('last_activity').where('account', '=', account));
    },
    flush,
  };
}
