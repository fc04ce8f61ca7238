/** Whether an account may upload a file of a size, and until when files are kept. */
import type { Home } from '../../core/module.ts';
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { type Purpose, retryAt, type SlotRequest, tooLarge } from './payloads.ts';
import type { UploadSettings } from './settings.ts';
import type { Slots } from './slots.ts';
import type { FileTables, StoredFile } from './tables.ts';

const DAY_MS = 86_400_000;
/** Files that are looked at to tell when there will be room. */
const LOOKED_AT = 1000;
/** After this, slots that were not used are free again. */
const SOON_MS = 300_000;

const PROFILE: readonly Purpose[] = ['profile'];
const OTHERS: readonly Purpose[] = ['message', 'ephemeral', 'permanent'];
const ALL: readonly Purpose[] = [...PROFILE, ...OTHERS];

/** Purposes that share a quota with one. */
export const sharing = (purpose: Purpose): readonly Purpose[] =>
  purpose === 'profile' ? PROFILE : OTHERS;

/** The day that a moment is in, counted from the epoch. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

/** The quota that a purpose has; infinite where there is none. */
const quotaOf = (settings: UploadSettings, purpose: Purpose): number =>
  boundOf(purpose === 'profile' ? settings.profileQuota : settings.quota);

/** The largest file that a purpose could ever have. */
export function mostOf(settings: UploadSettings, purpose: Purpose): number {
  const { maxSize, profileMaxSize, dailyQuota } = settings;
  return Math.min(
    purpose === 'profile' ? profileMaxSize : maxSize,
    quotaOf(settings, purpose),
    boundOf(dailyQuota),
  );
}

const boundOf = (limit: number): number => (limit === 0 ? Number.POSITIVE_INFINITY : limit);

/** When a file goes, in ms since the epoch; undefined if it stays for good. */
export function endOf(file: StoredFile, { keepFor }: UploadSettings): number | undefined {
  const isPassing = file.purpose === 'message' || file.purpose === 'ephemeral';
  const term = isPassing && keepFor > 0 ? file.stored + keepFor : undefined;
  if (file.expires === undefined || term === undefined) return file.expires ?? term;
  return Math.min(file.expires, term);
}

/** What terms are decided by. */
export interface TermsOptions {
  readonly home: Home<UploadSettings>;
  readonly tables: FileTables;
  readonly slots: Slots;
}

/** Why an account may not have a slot now; undefined if it may. */
export async function refusalOf(
  { home, tables, slots }: TermsOptions,
  account: BareJid,
  host: Domain,
  { size, purpose, expires }: SlotRequest,
): Promise<StanzaFailure | undefined> {
  const settings = home.configOf(host);
  const now = home.clock.now();
  if (purpose === 'permanent' && !settings.permanent)
    return { condition: 'not-acceptable', text: 'No files are kept for good here.' };
  if (expires !== undefined && expires <= now)
    return { condition: 'not-acceptable', text: 'The file would be gone before it is here.' };
  const most = mostOf(settings, purpose);
  if (size > most)
    return {
      condition: 'not-acceptable', // §6
      text: `File too large. The maximum file size is ${most} bytes`,
      app: tooLarge(most),
    };
  if (slots.heldBy(account, ALL).count >= settings.openSlots)
    return full('You have begun too many uploads.', now + SOON_MS);

  // What is held is summed first: an upload that ends meanwhile is counted twice, never not at all.
  const day = dayOf(now);
  const today = slots.heldBy(account, ALL).bytes + (await tables.usageOn(account, day));
  if (today + size > boundOf(settings.dailyQuota))
    return full('You have uploaded enough for today.', (day + 1) * DAY_MS);

  const shared = sharing(purpose);
  const used = slots.heldBy(account, shared).bytes + (await tables.usageOf(account, shared)).bytes;
  const excess = used + size - quotaOf(settings, purpose);
  if (excess > 0) {
    const files = purpose === 'profile' ? [] : await tables.passing(account, LOOKED_AT);
    return full(
      'Your files take all the room that you have here.',
      roomAt(files, excess, settings),
    );
  }

  const whole = slots.heldOn(host) + (await tables.usageOfHost(host)).bytes;
  if (whole + size > boundOf(settings.hostQuota)) {
    home.log.warn({ host, whole }, 'there is no room for more uploads');
    return full('There is no room for more files here.');
  }
  return undefined;
}

/** §6: what passes, with the time from which on to try again where it is known. */
function full(text: string, retry?: number): StanzaFailure {
  const failure = { condition: 'resource-constraint', text } as const;
  return retry === undefined ? failure : { ...failure, app: retryAt(retry) };
}

/** When files will have gone that have so many bytes; undefined if that is not known. */
function roomAt(
  files: readonly StoredFile[],
  bytes: number,
  settings: UploadSettings,
): number | undefined {
  const ends = files.flatMap((file) => {
    const end = endOf(file, settings);
    return end === undefined ? [] : [{ end, size: file.size }];
  });
  let freed = 0;
  for (const { end, size } of ends.sort((a, b) => a.end - b.end)) {
    freed += size;
    if (freed >= bytes) return end;
  }
  return undefined;
}
