import { describe, expect, test } from 'vitest';
import { createLedger, type MessageRow } from '../../../src/modules/archive/ledger.ts';
import { archiveMigrations } from '../../../src/modules/archive/messages.ts';
import type { Store } from '../../../src/store/store.ts';
import { openTestStore } from '../../store/support.ts';

const migrations = [{ owner: 'archive', migrations: archiveMigrations }];
const rowOf = (serial: number, stanza = `<message id="${serial}"/>`, owner = 1): MessageRow => ({
  serial,
  owner,
  at: serial,
  peer: 'romeo@montague.example',
  resource: 'orchard',
  searchable: serial % 2,
  stanza,
});

function rowsIn(store: Store): Promise<MessageRow[]> {
  const db = store.tables<{ archive_messages: MessageRow }>();
  return store.read(
    db
      .selectFrom('archive_messages')
      .select(['serial', 'owner', 'at', 'peer', 'resource', 'searchable', 'stanza'])
      .orderBy('serial'),
  );
}

/** A store whose writes wait until they are let through. */
function heldStore(store: Store) {
  const held: (() => void)[] = [];
  const write: Store['write'] = async (...queries) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return store.write(...queries);
  };
  const release = () => {
    for (const go of held.splice(0)) go();
  };
  return { store: { write } as Store, release }; // nothing else of it is used
}

describe('the ledger', () => {
  test.each([1, 2, 5, 64, 100, 600])(
    'writes %i messages of one turn as they are',
    async (count) => {
      const store = await openTestStore({ migrations });
      const ledger = createLedger(store, () => []);
      const rows = Array.from({ length: count }, (_, index) => rowOf(index + 1));
      await Promise.all(rows.map(ledger.add));
      expect(await rowsIn(store)).toEqual(rows);
    },
  );

  test('a text that two keep goes the way once, and both have it', async () => {
    const store = await openTestStore({ migrations });
    const ledger = createLedger(store, () => []);
    const rows: MessageRow[] = [];
    for (let count = 0; count < 70; count += 1) {
      rows.push(rowOf(3 * count + 1, `<message id="${count}"/>`, 1));
      rows.push(rowOf(3 * count + 2, `<message id="${count}"/>`, 2));
      if (count % 3 === 0) rows.push(rowOf(3 * count + 3, '<message/>', 3));
    }
    await Promise.all(rows.map(ledger.add));
    expect(await rowsIn(store)).toEqual(rows);
  });

  test('messages that come while a write is under way share the next one', async () => {
    const store = await openTestStore({ migrations });
    const ledger = createLedger(store, () => []);
    const first = ledger.add(rowOf(1));
    expect(ledger.add(rowOf(2))).toBe(first);
    await Promise.resolve(); // it is under way
    const second = ledger.add(rowOf(3));
    expect(second).not.toBe(first);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ledger.add(rowOf(4))).toBe(second);
    await ledger.flushed();
    expect(store.stats().writes).toBe(2);
    expect(await rowsIn(store)).toHaveLength(4);
    await ledger.add(rowOf(5));
    expect(await rowsIn(store)).toHaveLength(5);
  });

  test('one that cannot be written fails with those of its write, and no others', async () => {
    const store = await openTestStore({ migrations });
    const ledger = createLedger(store, () => []);
    await ledger.add(rowOf(1));
    const doomed = [ledger.add(rowOf(2)), ledger.add(rowOf(1))];
    await Promise.all(doomed.map((each) => expect(each).rejects.toThrow('UNIQUE')));
    await ledger.flushed();
    await ledger.add(rowOf(3));
    expect((await rowsIn(store)).map(({ serial }) => serial)).toEqual([1, 3]);
  });

  test('what was written is forgotten, whoever waits for all of it', async () => {
    const ledger = createLedger(await openTestStore({ migrations }), () => []);
    for (const serial of [1, 2, 3]) await ledger.add(rowOf(serial));
    expect(await ledger.flushed()).toBeUndefined();
  });

  test('who sends faster than the disk takes has to wait; far beyond that nothing is taken', async () => {
    const { store, release } = heldStore(await openTestStore({ migrations }));
    const ledger = createLedger(store, () => []);
    let count = 0;
    const add = (howMany: number) => {
      const rows = Array.from({ length: howMany }, (_, index) => rowOf(count + index + 1));
      count += howMany;
      return Promise.all(rows.map(ledger.add));
    };
    const some = add(3999);
    expect(ledger.room()).toBeUndefined();
    const more = add(16_001);
    const room = ledger.room();
    expect(room).toBeDefined();
    await expect(add(1)).rejects.toThrow('20000 messages wait');
    const letThrough = setInterval(release, 1);
    await Promise.all([some, more, room]);
    clearInterval(letThrough);
    expect(ledger.room()).toBeUndefined();
  });

  test('writes what else is to be written with the messages', async () => {
    const store = await openTestStore({ migrations });
    const db = store.tables<{ archive_state: { last: number; drift: number } }>();
    const ledger = createLedger(store, () => [db.updateTable('archive_state').set({ drift: 7 })]);
    await ledger.add(rowOf(1));
    expect(await store.first(db.selectFrom('archive_state').select('drift'))).toEqual({ drift: 7 });
  });
});
