/** Hats in the database. */
import type { BareJid } from '../../jid/jid.ts';
import type { Query, Store } from '../../store/store.ts';
import { type Hat, type Hats, NO_HATS } from './hats.ts';
import type { Tables } from './migrations.ts';

/** Reads and writes the hats of rooms. */
export interface HatTable {
  load(room: BareJid): Promise<Hats>;
  /** What puts these in the place of all that were. */
  writing(room: BareJid, hats: Hats): Query[];
  removal(room: BareJid): Query[];
}

/** Opens the tables. */
export function createHatTable(store: Store): HatTable {
  const db = store.tables<Tables>();
  const removal = (room: BareJid): Query[] => [
    db.deleteFrom('muc_hats').where('room', '=', room),
    db.deleteFrom('muc_worn_hats').where('room', '=', room),
  ];

  /** All of them anew: they are few, and change seldom. */
  const writing = (room: BareJid, { known, worn }: Hats): Query[] => {
    const hats = [...known.values()].map((hat) => ({ room, ...hat }));
    const heads = [...worn].flatMap(([account, uris]) =>
      uris.map((uri) => ({ room, account, uri })),
    );
    return [
      ...removal(room),
      ...(hats.length === 0 ? [] : [db.insertInto('muc_hats').values(hats)]),
      ...(heads.length === 0 ? [] : [db.insertInto('muc_worn_hats').values(heads)]),
    ];
  };

  const load = async (room: BareJid): Promise<Hats> => {
    const hats = db.selectFrom('muc_hats').selectAll().where('room', '=', room).orderBy('uri');
    const known = new Map<string, Hat>();
    for (const { uri, title, hue } of await store.read(hats)) known.set(uri, { uri, title, hue });
    if (known.size === 0) return NO_HATS;
    const worn = new Map<BareJid, string[]>();
    const heads = db.selectFrom('muc_worn_hats').selectAll().where('room', '=', room);
    for (const { account, uri } of await store.read(heads.orderBy('uri'))) {
      const own = worn.get(account);
      if (own === undefined) worn.set(account, [uri]);
      else own.push(uri);
    }
    return { known, worn };
  };

  return { load, writing, removal };
}
