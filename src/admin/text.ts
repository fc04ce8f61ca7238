/** Figures and times as a person reads them. */

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size: `41.5 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** A duration by its two largest parts: `3 d 4 h`, `12 min 5 s`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** How long ago, by one part: `just now`, `4 min ago`. */
export function agoText(at: number, now: number): string {
  const seconds = (now - at) / 1000;
  if (seconds < 10) return 'just now';
  return `${durationText(seconds).split(' ').slice(0, 2).join(' ')} ago`;
}

/** A moment in UTC: `2026-03-01 14:05`. */
export function timeText(at: number): string {
  return isoText(at).slice(0, 16).replace('T', ' ');
}

/** The same to the second: `2026-03-01 14:05:09`. */
export function exactText(at: number): string {
  return isoText(at).slice(0, 19).replace('T', ' ');
}

/** A moment for machines; empty where it is none. */
export function isoText(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

/** A count with thin groups: `12 480`. */
export function countText(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f');
}

/** A count and its noun: `1 session`, `3 sessions`. */
export function plural(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}
