/** The console's mark and its few icons, drawn on a 24 × 24 grid in the colour of their text. */

/** The mark: a speech bubble in which something happens now. */
export const Mark = ({ size = 32 }: { size?: number }) => (
  <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    <path
      class="mark-bubble"
      d="M9 3h14a6 6 0 0 1 6 6v10a6 6 0 0 1-6 6H13.5L7 29.6V25a6 6 0 0 1-4-6V9a6 6 0 0 1 6-6Z"
    />
    <path class="mark-signal" d="M9.5 12.5v3M14 9.5v9M18.5 6.5v15M23 11v6" />
  </svg>
);

const PATHS = {
  overview: 'M4 13h6V4H4v9Zm10 7h6v-9h-6v9ZM4 20h6v-3H4v3ZM14 7h6V4h-6v3Z',
  users:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 9c0-3.3 2.7-5.5 6-5.5s6 2.2 6 5.5M16 4.3a3.5 3.5 0 0 1 0 6.4M17.5 14.9c2.1.8 3.5 2.6 3.5 5.1',
  invitations: 'M3 6h18v13H3V6Zm0 1 9 7 9-7',
  sessions: 'M3 12h4l3-7 4 14 3-7h4',
  rooms: 'M4 4h12v9H9l-4 3.500V13H4V4Zm15 5h1v9h-1v3l-4-3h-5v-2',
  groups:
    'M8 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm8 0a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.500 19c0-3 2.500-5 5.500-5s5.500 2 5.500 5m1.500-4.700c.300-.200.700-.300 1-.300 3 0 5.500 2 5.500 5',
  announcements: 'M4 9v6h3l9 5V4L7 9H4Zm15 0a4 4 0 0 1 0 6M8 15v5h3',
  nodes:
    'M12 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM5 21a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm14 0a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM11 8l-4.500 7M13 8l4.500 7',
  reports: 'M6 21V4m0 1h11l-2.500 4 2.500 4H6',
  files: 'M6 3h8l5 5v13H6V3Zm8 0v5h5M9 13h7M9 17h5',
  portable: 'M8 20V5m0 0L4 9m4-4 4 4M16 4v15m0 0-4-4m4 4 4-4',
  hosts:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c2.5 2.6 3.8 5.6 3.8 9s-1.3 6.4-3.8 9c-2.5-2.6-3.8-5.6-3.8-9S9.500 5.600 12 3Z',
  federation: 'M4 8h15m-4-4 4 4-4 4M20 16H5m4-4-4 4 4 4',
  audit: 'M7 3h10a2 2 0 0 1 2 2v16l-3-2-2 2-2-2-2 2-2-2-3 2V5a2 2 0 0 1 2-2Zm2 6h6M9 13h6',
  trace:
    'M6 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM18 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM8 17h6a3 3 0 0 0 0-6h-4a3 3 0 0 1 0-6h6',
  watch:
    'M2.500 12c2-4 5.500-6.500 9.500-6.500s7.500 2.500 9.500 6.500c-2 4-5.500 6.500-9.500 6.500S4.500 16 2.500 12Zm9.500 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z',
  log: 'M5 6h14M5 12h9M5 18h12',
  server: 'M4 5h16v5H4V5Zm0 9h16v5H4v-5Zm3-6.500h.01M7 16.500h.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
  ok: 'm5 12.500 4.500 4.500L19 7.500',
  warning: 'M12 4 2.800 20h18.400L12 4Zm0 6v4.500m0 2.700h.01',
  error: 'M8 3h8l5 5v8l-5 5H8l-5-5V8l5-5Zm4 5v4.700m0 3.100h.01',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-10v5m0-8.200h.01',
  lock: 'M6 11h12v9H6v-9Zm2.500 0V8a3.500 3.500 0 0 1 7 0v3',
  star: 'm12 4 2.400 5 5.600.700-4.100 3.800 1.100 5.500-5-2.800-5 2.800 1.100-5.500L4 9.700 9.600 9 12 4Z',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 5 5',
  out: 'M10 4H5v16h5m4-12 4 4-4 4m4-4H9',
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon; it only repeats what the text beside it says. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" width="20" height="20" viewBox="0 0 24 24" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);
