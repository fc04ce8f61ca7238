/** Looking for messages in the table of stories, and putting their rows together. */
import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import { z } from 'zod';
import type { BareJid } from '../jid/jid.ts';
import { MESSAGE_TYPES } from '../stanza/stanza.ts';
import type { Store } from '../store/store.ts';
import { MOST_ID, NATURES, type StoryHead } from './story.ts';
import type { Row, Tables } from './story-log.ts';
import { type Step, unpackStep } from './story-steps.ts';

/** Which messages are looked for. */
export interface StoryQuery {
  /** Its sender or recipient. */
  readonly jid: BareJid;
  /** The other one. */
  readonly with?: BareJid | undefined;
  /** One of its ids: its own, its origin-id, or that of an archive. */
  readonly id?: string | undefined;
  /** The earliest, in ms since the epoch. */
  readonly since?: number | undefined;
  /** Messages that are only a signal to a program, too. */
  readonly signals: boolean;
  /** Only messages that came before the one with this serial. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** What became of one message. */
export interface Tale extends Pick<StoryHead, 'serial' | 'type' | 'nature' | 'ids'> {
  readonly from: string;
  readonly to: string;
  /** What an error says. */
  readonly error?: { readonly condition: string; readonly text?: string | undefined } | undefined;
  /** In the order in which they happened; times in ms since the epoch. */
  readonly steps: readonly TaleStep[];
}

/** A step and when it happened, in ms since the epoch. */
export interface TaleStep {
  readonly at: number;
  readonly step: Step;
}

/** Some of the messages that were found. */
export interface TalePage {
  /** The earliest first. */
  readonly tales: readonly Tale[];
  /** Whether there are earlier ones. */
  readonly hasMore: boolean;
}

/** Rows that are looked through at a time: some milliseconds. */
const CHUNK_ROWS = 2000;
/** Rows that are read of one message; one that was sent again and again has more. */
const MOST_ROWS = 50;

/**
 * The latest messages that match. Rejects with a StoreError.
 *
 * Rows come in the order of time, and so do the serials of messages, but for rows that tell of a
 * message later on. So all is known of a message as soon as a part of the table was looked through
 * that has only smaller serials.
 */
export async function findTales(store: Store, query: StoryQuery): Promise<TalePage> {
  const db = store.tables<Tables>();
  const { limit, before = Number.POSITIVE_INFINITY, since = 0, id } = query;
  /** The rows of each message, the latest first. */
  const found = new Map<number, number[]>();
  const serials = () => [...found.keys()].sort((a, b) => b - a);
  for await (const { rows, greatest, latest } of looked(db, store, (of) => ofQuery(of, query))) {
    for (const { serial, at, id: row } of rows) {
      const known = found.get(serial);
      if (known !== undefined) add(known, row);
      else if (serial < before && at >= since) found.set(serial, [row]);
    }
    const open = serials().filter((serial) => serial <= greatest).length;
    if (found.size - open > limit || (latest < since && open === 0)) break;
  }
  const all = serials();
  const wanted = all.slice(0, limit);
  const hasMore = all.length > limit;
  if (id === undefined || wanted.length === 0)
    return { tales: await read(db, store, rowsOfAll(found, wanted)), hasMore };
  // Not each row of a message has all of its ids.
  const whole = new Map<number, number[]>(wanted.map((serial) => [serial, []]));
  for await (const { rows, greatest } of looked(db, store, (of) => of('serial', 'in', wanted))) {
    for (const { serial, id: row } of rows) add(whole.get(serial) ?? [], row);
    if (wanted.every((serial) => serial > greatest)) break;
  }
  const tales = await read(db, store, rowsOfAll(whole, wanted));
  return { tales: tales.filter(({ ids }) => ids.includes(id.slice(0, MOST_ID))), hasMore };
}

/** Adds an earlier row to those of a message; of very many the earliest is among those that stay. */
function add(rows: number[], row: number): void {
  if (rows.length === MOST_ROWS) rows.pop();
  rows.push(row);
}

const rowsOfAll = (found: ReadonlyMap<number, readonly number[]>, wanted: readonly number[]) =>
  wanted.flatMap((serial) => found.get(serial) ?? []);

/** What makes a row one that is looked for. */
type Condition = (of: ExpressionBuilder<Tables, 'story'>) => Expression<SqlBool>;

const ofQuery: (of: ExpressionBuilder<Tables, 'story'>, query: StoryQuery) => Expression<SqlBool> =
  (of, { jid, with: other, signals, id }) => {
    const one = (own: 'sender' | 'recipient', far: 'sender' | 'recipient') =>
      other === undefined ? of(own, '=', jid) : of.and([of(own, '=', jid), of(far, '=', other)]);
    const conditions = [of.or([one('sender', 'recipient'), one('recipient', 'sender')])];
    if (!signals) conditions.push(of('nature', '!=', 'signal'));
    if (id !== undefined) {
      // As one of the texts in it; which one it is will be seen.
      const quoted = JSON.stringify(id.slice(0, MOST_ID));
      conditions.push(of(of.fn<number>('instr', ['told', of.val(quoted)]), '>', 0));
    }
    return of.and(conditions);
  };

/** A part of the table: the rows that were looked for, the latest first, and what all of it is like. */
interface Looked {
  readonly rows: readonly { readonly id: number; readonly serial: number; readonly at: number }[];
  readonly greatest: number;
  readonly latest: number;
}

/** Looks through the table from its end. */
async function* looked(
  db: Kysely<Tables>,
  store: Store,
  condition: Condition,
): AsyncGenerator<Looked> {
  const all = db.selectFrom('story');
  const ends = await store.first(
    all.select(({ fn }) => [fn.min('id').as('first'), fn.max('id').as('last')]),
  );
  if (ends === undefined || ends.last === null) return;
  const first = Number(ends.first);
  for (let last = Number(ends.last); last >= first; last -= CHUNK_ROWS) {
    const chunk = all.where('id', '<=', last).where('id', '>', last - CHUNK_ROWS);
    const [rows, sums] = await Promise.all([
      store.read(chunk.select(['id', 'serial', 'at']).where(condition).orderBy('id', 'desc')),
      store.first(
        chunk.select(({ fn }) => [fn.max('serial').as('greatest'), fn.max('at').as('latest')]),
      ),
    ]);
    yield {
      rows: rows.map(({ id, serial, at }) => ({
        id: Number(id),
        serial: Number(serial),
        at: Number(at),
      })),
      greatest: Number(sums?.greatest ?? 0),
      latest: Number(sums?.latest ?? 0),
    };
  }
}

/** Rows that are read at a time. */
const READ_ROWS = 1000;

/** The tales of rows. */
async function read(
  db: Kysely<Tables>,
  store: Store,
  ids: readonly number[],
): Promise<readonly Tale[]> {
  const rows: (Row & { id: number })[] = [];
  for (let from = 0; from < ids.length; from += READ_ROWS) {
    const some = ids.slice(from, from + READ_ROWS);
    rows.push(...(await store.read(db.selectFrom('story').selectAll().where('id', 'in', some))));
  }
  return talesOf(rows.toSorted((a, b) => Number(a.id) - Number(b.id)));
}

/** From, to, type, ids, what an error says, and the steps, packed. */
const toldSchema = z.tuple([
  z.string(),
  z.string(),
  z.enum(MESSAGE_TYPES),
  z.array(z.string()),
  z.object({ condition: z.string(), text: z.string().optional() }).nullable(),
  z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
]);

/** The tales of rows, which come in the order in which they were written. */
function talesOf(rows: readonly (Row & { readonly id: number })[]): readonly Tale[] {
  const tales = new Map<number, Tale & { ids: string[]; steps: TaleStep[] }>();
  for (const row of rows) {
    const read = toldSchema.safeParse(JSON.parse(row.told));
    if (!read.success) continue;
    const [from, to, type, ids, error, steps] = read.data;
    const serial = Number(row.serial);
    const nature = natureSchema.catch('other').parse(row.nature);
    const outside = { serial, from, to, type, nature, error: error ?? undefined };
    const tale = tales.get(serial) ?? { ...outside, ids: [], steps: [] };
    tales.set(serial, tale);
    for (const packed of steps) {
      const step = unpackStep(packed);
      if (step === undefined) continue;
      tale.steps.push({ at: Number(row.at) + Number(packed[0]), step });
      if (step.kind === 'archived') ids.push(step.id);
    }
    tale.ids.push(...ids.filter((id) => !tale.ids.includes(id)));
  }
  const sorted = [...tales.values()].map((tale) => ({
    ...tale,
    steps: tale.steps.toSorted((a, b) => a.at - b.at),
  }));
  return sorted.toSorted((a, b) => (a.steps[0]?.at ?? 0) - (b.steps[0]?.at ?? 0));
}

const natureSchema = z.enum(NATURES);
