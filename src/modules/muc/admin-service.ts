/** What an admin of the server does with rooms (operations/room-service.ts). */

import { componentsOf } from '../../config/components.ts';
import type { Home } from '../../core/module.ts';
import { faultText } from '../../core/operation-faults.ts';
import { type BareJid, type Domain, domainOf, type Jid } from '../../jid/jid.ts';
import { archive } from '../archive/index.ts';
import { refusalOfAll } from './admin.ts';
import { affiliate, expel } from './affiliating.ts';
import { destroy } from './leaving.ts';
import { configure } from './owner.ts';
import { affiliationNamed } from './privileges.ts';
import { createRecord } from './record-service.ts';
import { type Affiliate, affiliationOf, emptyRoom, occupantNamed } from './room.ts';
import { DEFAULT_CONFIG, type RoomConfig, roomConfig } from './room-config.ts';
import type { Rooms } from './service.ts';
import type { MucSettings } from './settings.ts';
import type { RoomTables } from './tables.ts';

/** Makes it. What it gives is what the operations ask for. */
export function createAdminService(home: Home<MucSettings>, rooms: Rooms, tables: RoomTables) {
  const domains = (): Domain[] =>
    home.hosts
      .all()
      .filter(({ domain }) => home.isEnabled(domain))
      .flatMap(({ config }) => componentsOf(config))
      .filter(({ config }) => config.type === 'muc')
      .map(({ domain }) => domain);
  const lineOf = (room: Omit<Awaited<ReturnType<RoomTables['list']>>[number], never>) => ({
    ...room,
    occupants: rooms.occupancy(room.jid),
  });
  const done = { ok: true } as const;
  const refuse = (why: 'not-found' | 'conflict' | 'invalid-input', text: string) =>
    ({ ok: false, why, text }) as const;
  const nowhere = (jid: BareJid) => refuse('not-found', `There is no room ${jid}.`);

  const record = createRecord(rooms);
  return {
    domains,
    onEnd: rooms.onEnd,
    async list(filter: {
      readonly domain: Domain | undefined;
      readonly host: Domain | undefined;
      readonly search: string | undefined;
      readonly offset: number;
      readonly limit: number;
    }) {
      const { domain, host, search, offset, limit } = filter;
      const isMeant = (each: Domain) =>
        host === undefined || home.hosts.ownerOf(each)?.domain === host;
      const found: ReturnType<typeof lineOf>[] = [];
      let total = 0;
      for (const each of (domain === undefined ? domains() : [domain]).filter(isMeant)) {
        const count = await tables.count({ domain: each, search });
        const from = Math.max(0, offset - total);
        const most = limit - found.length;
        if (from < count && most > 0) {
          const page = await tables.list({ domain: each, search, offset: from, most });
          found.push(...page.map(lineOf));
        }
        total += count;
      }
      return { rooms: found, total };
    },
    async show(jid: BareJid) {
      const room = await rooms.find(jid);
      if (room === undefined) return undefined;
      const { config, created, subject } = room;
      return {
        jid,
        name: config.name,
        isPublic: config.isPublic,
        isPersistent: config.isPersistent,
        created,
        occupants: room.occupants.size,
        subject: subject?.text ?? '',
        occupantList: [...room.occupants.values()].map(({ nick, account, role, sessions }) => ({
          nick,
          account,
          role,
          affiliation: affiliationOf(room, account),
          sessions: sessions.length,
        })),
        members: [...room.affiliates].map(([account, each]) => ({ jid: account, ...each })),
        settings: settingsOf(config),
      };
    },
    async create(parts: {
      readonly jid: BareJid;
      readonly name: string;
      readonly owner: BareJid;
      readonly members: readonly BareJid[];
      readonly isMembersOnly: boolean;
      readonly isPublic: boolean;
      /** Modules that know groups take it out. */
      readonly group: string | undefined;
    }) {
      const { jid, name, owner, members, isMembersOnly, isPublic, group } = parts;
      if (group !== undefined) return refuse('not-found', 'There are no groups here.');
      if (!domains().includes(domainOf(jid)))
        return refuse(
          'not-found',
          `There are no rooms at ${domainOf(jid)}; they are at ${domains().join(', ') || 'no domain'}.`,
        );
      const isOurs = home.hosts.get(domainOf(owner)) !== undefined;
      if (isOurs && (await home.accounts.get(owner)) === undefined)
        return refuse('not-found', `There is no account ${owner}.`);
      const plain = { nick: '', reason: '' };
      const affiliates = new Map<BareJid, Affiliate>(
        members.map((member) => [member, { affiliation: 'member', ...plain }]),
      ).set(owner, { affiliation: 'owner', ...plain });
      const config = { ...DEFAULT_CONFIG, name, isPersistent: true, isMembersOnly, isPublic };
      const room = emptyRoom({ jid, config, created: home.clock.now(), affiliates });
      if (await rooms.create(room)) return done;
      return refuse('conflict', `${jid} is there already.`);
    },
    async destroy(
      jid: BareJid,
      { reason, venue }: { readonly reason: string; readonly venue: Jid | undefined },
    ) {
      const found = await rooms.change(jid, (turn) => {
        destroy(turn, { venue, password: '', reason });
        return true;
      });
      return found === true ? done : nowhere(jid);
    },
    async configure(jid: BareJid, changes: Readonly<Record<string, string>>) {
      const outcome = await rooms.change(jid, (turn) => {
        const next = withChanges(turn.room.config, changes);
        if (typeof next === 'string') return refuse('invalid-input', next);
        if (Object.keys(changes).length > 0) configure(turn, next);
        return { ok: true, settings: settingsOf(next) } as const;
      });
      return outcome ?? nowhere(jid);
    },
    async affiliate(
      jid: BareJid,
      accounts: readonly BareJid[],
      affiliation: string,
      reason: string,
    ) {
      const to = affiliationNamed(affiliation);
      if (to === undefined) return refuse('invalid-input', `${affiliation} is no affiliation.`);
      const outcome = await rooms.change(jid, (turn) => {
        const changes = accounts.map((account) => ({ account, to, reason, by: jid }));
        const failure = refusalOfAll(turn, changes);
        if (failure !== undefined) return refuse('conflict', failure.text ?? failure.condition);
        for (const follow of affiliate(turn, changes)) follow();
        return done;
      });
      return outcome ?? nowhere(jid);
    },
    async kick(jid: BareJid, nick: string, reason: string) {
      const outcome = await rooms.change(jid, (turn) => {
        const occupant = occupantNamed(turn.room, nick);
        if (occupant === undefined) return refuse('not-found', `${nick} is not in ${jid}.`);
        expel(turn, occupant, { codes: [307], reason });
        return done;
      });
      return outcome ?? nowhere(jid);
    },
    history: record.history,
    moderate: record.moderate,
    async purge(jid: BareJid, before: number) {
      const found = await rooms.change(jid, (turn) => {
        const history = turn.room.history.filter(({ at }) => at >= before);
        turn.room = { ...turn.room, history };
        return true;
      });
      if (found !== true) return undefined;
      const forgotten = await tables.purge(jid, before);
      const host = home.hosts.ownerOf(domainOf(jid))?.domain;
      if (host === undefined || !home.has(archive, host)) return forgotten;
      // What newcomers see is the end of what is archived.
      return Math.max(forgotten, await home.use(archive).service.purge(jid, before));
    },
  };
}

/** The configuration as keys, values and what they mean; a password is not shown. */
function settingsOf(config: RoomConfig) {
  return Object.entries(roomConfig.shape).map(([key, schema]) => {
    const value = config[key as keyof RoomConfig];
    const shown = key === 'password' && value !== '' ? '********' : value;
    const text = Array.isArray(shown) ? shown.join(', ') : String(shown);
    return { key, value: text, meaning: schema.description ?? '' };
  });
}

/** The configuration with keys as somebody wrote them; a text tells what cannot be. */
function withChanges(
  before: RoomConfig,
  changes: Readonly<Record<string, string>>,
): RoomConfig | string {
  const next: Record<string, unknown> = { ...before };
  for (const [key, raw] of Object.entries(changes)) {
    const known = before[key as keyof RoomConfig];
    if (!Object.hasOwn(before, key))
      return `${key} is no key of a room; there are ${Object.keys(before).join(', ')}.`;
    next[key] = read(raw, known);
  }
  const checked = roomConfig.safeParse(next);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  return issue === undefined ? 'It is wrong.' : `${issue.path.join('.')}: ${faultText(issue)}`;
}

/** A value of the kind that a key has. */
function read(raw: string, known: unknown): unknown {
  if (typeof known === 'boolean') return raw === 'true' || raw === 'false' ? raw === 'true' : raw;
  if (typeof known === 'number') return /^\d{1,9}$/.test(raw) ? Number(raw) : raw;
  if (Array.isArray(known))
    return raw
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean);
  return raw;
}

/** What {@link createAdminService} makes. */
export type AdminService = ReturnType<typeof createAdminService>;
