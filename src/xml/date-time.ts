/** Moments as XMPP writes them (XEP-0082). */

/** A moment as XEP-0082 §3.2 writes it, in UTC. `ms` counts from the epoch. */
export function writeDateTime(ms: number): string {
  if (!Number.isInteger(ms) || ms < 0 || ms >= YEAR_10000) return new Date(ms).toISOString();
  const today = Math.floor(ms / DAY_MS);
  if (today !== day) {
    day = today;
    date = new Date(today * DAY_MS).toISOString().slice(0, '2000-01-01T'.length);
  }
  const rest = ms - today * DAY_MS;
  const hours = digits(Math.floor(rest / 3_600_000), 2);
  const minutes = digits(Math.floor(rest / 60_000) % 60, 2);
  const seconds = digits(Math.floor(rest / 1000) % 60, 2);
  return `${date}${hours}:${minutes}:${seconds}.${digits(rest % 1000, 3)}Z`;
}

const DAY_MS = 86_400_000;
const YEAR_10000 = 253_402_300_800_000;
/** The day that was written last, since the epoch, up to its `T`: a page of an archive is mostly of one day. */
let day = Number.NaN;
let date = '';

const digits = (value: number, width: number) => String(value).padStart(width, '0');

const DATE_TIME = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of a moment in the form of XEP-0082 §3.2; undefined for another form. */
export function readDateTime(raw: string): number | undefined {
  const ms = DATE_TIME.test(raw) ? Date.parse(raw) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
