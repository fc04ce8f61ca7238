/** Archives as an admin sees them: figures, retention, purging, a search. */
import type { Home } from '../../core/module.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import type { Archives } from './archives.ts';
import type { Criteria } from './messages.ts';
import type { Owner } from './owners.ts';
import type { DefaultBehaviour } from './preferences.ts';
import { rulesFor } from './prefs.ts';
import type { Search } from './search.ts';
import { serialAt } from './serials.ts';
import type { ArchiveSettings } from './settings.ts';
import { readArchived } from './text.ts';

/** The figures of an archive. Times are in ms since the epoch. */
export interface ArchiveFigures {
  readonly messages: number;
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
  /** How long messages are kept, in days, 0 for good; and whether that is set for this user. */
  readonly keepDays: number;
  readonly isOwnTerm: boolean;
  /** The preferences in force, and whether the user has set any. */
  readonly default: DefaultBehaviour;
  readonly always: number;
  readonly never: number;
  readonly hasPreferences: boolean;
}

/** A message that was found. */
export interface Finding {
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  /** Its subject and bodies. */
  readonly text: string;
}

/** What admins may do with archives. The host of each must have the archive switched on. */
export interface ArchiveService {
  /** Whether messages of a host's users are archived. */
  isOn(account: BareJid): boolean;
  figures(account: BareJid): Promise<ArchiveFigures>;
  /** The newest messages with all words of a text; undefined where searching is switched off. */
  search(account: BareJid, text: string, most: number): Promise<readonly Finding[] | undefined>;
  /** Removes messages that came before a moment, or all of them; answers how many. */
  purge(account: BareJid, before: number | undefined): Promise<number>;
  /** @param days 0 for good, undefined for what the host says */
  setRetention(account: BareJid, days: number | undefined): Promise<void>;
}

const DAY_MS = 86_400_000;
/** Messages that are taken out at a time. */
const STEP = 500;

/** Makes the service. */
export function createArchiveService(
  home: Home<ArchiveSettings>,
  archives: Archives,
  searchOf: (account: BareJid) => Search | undefined,
): ArchiveService {
  const { messages } = archives;
  const ownerOf = async (account: BareJid): Promise<Owner> => {
    const owner = await archives.of(account);
    await archives.flushed();
    return owner;
  };
  return {
    isOn: (account) => home.isEnabled(domainOf(account)),
    async figures(account) {
      const owner = await ownerOf(account);
      const settings = home.configOf(domainOf(account));
      const [count, ends] = await Promise.all([
        messages.count(owner.token, {}, Number.MAX_SAFE_INTEGER - 1),
        archives.ends(owner),
      ]);
      const { preferences } = rulesFor(owner, settings);
      return {
        messages: count ?? 0,
        oldest: ends?.first.at,
        newest: ends?.last.at,
        keepDays: owner.keepDays ?? settings.keep / DAY_MS,
        isOwnTerm: owner.keepDays !== undefined,
        default: preferences.default,
        always: preferences.always.length,
        never: preferences.never.length,
        hasPreferences: owner.rules !== undefined,
      };
    },
    async search(account, text, most) {
      const search = searchOf(account);
      if (search === undefined) return undefined;
      const owner = await ownerOf(account);
      await search.catchUp(owner);
      const matching = search.matching(owner, text);
      if (matching === undefined) return [];
      const criteria: Criteria = { matching };
      const found = await messages.page(owner.token, criteria, 'end', most);
      return found.map(({ at, stanza }) => ({ at, ...readArchived(stanza) }));
    },
    async purge(account, before) {
      const { token } = await ownerOf(account);
      const end = before === undefined ? undefined : serialAt(before);
      let removed = 0;
      for (;;) {
        const step = await archives.prune(token, end, STEP);
        removed += step;
        if (step < STEP) return removed;
      }
    },
    async setRetention(account, days) {
      await archives.owners.setRetention(await ownerOf(account), days);
    },
  };
}
