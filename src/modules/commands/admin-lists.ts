/** XEP-0133 §4.11 and §4.29: with whom the service does not talk, and who administers the host. */
import { parseJid } from '../../jid/jid.ts';
import type { FormField } from '../../stanza/form.ts';
import { type Administering, bad, filled, refuse, rowsIn, textIn } from './administering.ts';
import type { Asker, HostCommand, Stage } from './command.ts';

/** What one form may list. */
const MOST_LISTED = 1000;

/** A list as it is edited: as a whole, of which the difference is carried out. */
interface EditedList {
  readonly name: string;
  readonly title: string;
  readonly field: Omit<FormField, 'values'>;
  now(asker: Asker): Promise<readonly string[] | Stage>;
  add(each: string): readonly [operation: string, input: object];
  remove(each: string): readonly [operation: string, input: object];
}

/** An address as lists have it, or else one would be taken off that is only written otherwise. */
function prepared(typed: string): string {
  const jid = parseJid(typed.trim());
  return jid.ok ? jid.value : typed;
}

/** Makes them: the one for admins of a host, too, and the one for operators alone. */
export function listCommands({ run, asking }: Administering): {
  readonly admins: HostCommand;
  readonly blacklist: HostCommand;
} {
  const editing = ({ name, title, field, now, add, remove }: EditedList) =>
    asking(
      name,
      title,
      async (asker) => {
        const listed = await now(asker);
        return 'kind' in listed ? listed : [{ ...field, values: listed }];
      },
      async (form, asker) => {
        const listed = await now(asker);
        if ('kind' in listed) return listed;
        const wanted = [...new Set(filled(form, field.name).map(prepared))];
        if (wanted.length > MOST_LISTED) return bad(`There are at most ${MOST_LISTED}.`);
        const steps = [
          ...wanted.filter((each) => !listed.includes(each)).map((each) => add(each)),
          ...listed.filter((each) => !wanted.includes(each)).map((each) => remove(each)),
        ];
        for (const [operation, input] of steps) {
          const outcome = await run(asker, operation, input);
          if (!outcome.ok) return refuse(outcome);
        }
        return { kind: 'end' };
      },
    );
  const listing = async (
    asker: Asker,
    operation: string,
    input: object,
    read: (value: unknown) => readonly string[],
  ) => {
    const outcome = await run(asker, operation, input);
    return outcome.ok ? read(outcome.value) : refuse(outcome);
  };

  const blacklist = editing({
    name: 'edit-blacklist',
    title: 'Edit Blacklist',
    field: { name: 'blacklistjids', type: 'jid-multi', label: 'The blacklist' },
    now: (asker) =>
      listing(asker, 's2s.rules', {}, (value) =>
        rowsIn(value, 'rules')
          .filter((row) => textIn(row, 'verdict') === 'block' && textIn(row, 'host') === '*')
          .map((row) => textIn(row, 'domain')),
      ),
    add: (domain) => ['s2s.block', { domain }],
    remove: (domain) => ['s2s.reset', { domain }],
  });
  const admins = editing({
    name: 'edit-admin',
    title: 'Edit Admin List',
    field: { name: 'adminjids', type: 'jid-multi', label: 'The admin list' },
    async now(asker) {
      const all: string[] = [];
      // Operators stand in it, so that who sends it back does not make less of them.
      for (const role of ['operator', 'admin']) {
        const input = { host: asker.host, role, limit: MOST_LISTED };
        const found = await listing(asker, 'accounts.list', input, (value) =>
          rowsIn(value, 'accounts').map((row) => textIn(row, 'jid')),
        );
        if ('kind' in found) return found;
        all.push(...found);
      }
      return all;
    },
    add: (jid) => ['accounts.role', { jid, role: 'admin' }],
    remove: (jid) => ['accounts.role', { jid, role: 'member' }],
  });
  return { admins, blacklist };
}
