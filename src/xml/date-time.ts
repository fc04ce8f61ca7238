/** Moments as XMPP writes them (XEP-0082). */

/** A moment as XEP-0082 §3.2 writes it, in UTC. `ms` counts from the epoch. */
export function writeDateTime(ms: number): string {
  return new Date(ms).toISOString();
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of a moment in the form of XEP-0082 §3.2; undefined for another form. */
export function readDateTime(raw: string): number | undefined {
  const ms = DATE_TIME.test(raw) ? Date.parse(raw) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
