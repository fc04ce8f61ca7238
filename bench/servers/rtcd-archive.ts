/** An archive of many messages, written into the database of an rtcd that does not run. */
import Database from 'better-sqlite3';

/** How many a transaction takes. */
const TOGETHER = 50_000;
/** Those with whom the first account has talked, and other owners, who have as many messages in all. */
const PEERS = 100;
const OTHERS = 1000;
/** Numbers for a millisecond, as `src/modules/archive/serials.ts` has them. */
const PER_MS = 2048;
/** How long the messages lie apart. */
const APART_MS = 1000;

/** Since when the messages of an archive came that was made at a moment: one a second until then. */
export const archiveBegin = (rows: number, end: number): number => end - rows * APART_MS;

/**
 * Writes messages, half of which are the first account's.
 * @param end when the last one came, in ms since the epoch
 */
export function writeArchive(
  file: string,
  domain: string,
  first: string,
  rows: number,
  end: number,
): void {
  const database = new Database(file);
  try {
    const owner = database.prepare('INSERT INTO archive_owners (jid) VALUES (?)');
    const message = database.prepare(
      `INSERT INTO archive_messages (serial, owner, at, peer, resource, searchable, stanza)
       VALUES (?, ?, ?, ?, 'bench', 1, ?)`,
    );
    const tokens = [first, ...Array.from({ length: OTHERS }, (_, index) => `other${index}`)].map(
      (user) => Number(owner.run(`${user}@${domain}`).lastInsertRowid),
    );
    const begin = archiveBegin(rows, end);
    const padding = 'x'.repeat(76);
    for (let from = 0; from < rows; from += TOGETHER)
      database.transaction(() => {
        for (let row = from; row < Math.min(rows, from + TOGETHER); row += 1) {
          const at = begin + row * APART_MS;
          const peer = `peer${row % PEERS}@${domain}`;
          const owned = row % 2 === 0 ? tokens[0] : tokens[1 + (row % OTHERS)];
          const stanza =
            `<message xmlns="jabber:client" from="${peer}/bench" to="${first}@${domain}" ` +
            `type="chat" id="m${row}"><body>word ${row} ${padding}</body></message>`;
          message.run(at * PER_MS, owned, at, peer, stanza);
        }
      })();
    database.prepare('UPDATE archive_state SET last = ?').run(end * PER_MS);
  } finally {
    database.close();
  }
}
