/** Accounts and rosters, written into the database of an rtcd that does not run. */
import Database from 'better-sqlite3';
import { accountsOf, contactsOf, type People } from './people.ts';

/**
 * Copies the first account, which has to be there: deriving the keys of each would take minutes, so all
 * have the password of the first, and its keys.
 */
export function writePeople(file: string, domain: string, people: People): void {
  const database = new Database(file);
  try {
    const jidOf = (user: string) => `${user}@${domain}`;
    const first = jidOf(`${people.prefix}0`);
    const account = database.prepare(
      `INSERT OR IGNORE INTO accounts (jid, domain, localpart, created, locked, admin, role)
       SELECT @jid, domain, @user, created, locked, admin, role FROM accounts WHERE jid = @first`,
    );
    const keys = database.prepare(
      `INSERT OR IGNORE INTO scram_keys (account, hash, iterations, salt, stored_key, server_key)
       SELECT @jid, hash, iterations, salt, stored_key, server_key FROM scram_keys WHERE account = @first`,
    );
    const contact = database.prepare(
      `INSERT INTO roster_items (account, contact, name, group_names, subscription, pending_out,
         pending_in, approved, listed) VALUES (?, ?, NULL, '[]', 'both', 0, 0, 0, 1)`,
    );
    database.transaction(() => {
      for (const [index, { user }] of accountsOf(people).entries()) {
        const jid = jidOf(user);
        account.run({ jid, user, first });
        keys.run({ jid, first });
        if (people.contacts === 0) continue;
        for (const other of contactsOf(index, people))
          contact.run(jid, jidOf(`${people.prefix}${other}`));
      }
    })();
  } finally {
    database.close();
  }
}
