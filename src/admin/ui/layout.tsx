/** The frame around every page. */
import type { Child } from 'hono/jsx';
import type { AssetPaths } from '../assets.ts';
import type { Flash } from '../web-sessions.ts';
import { Icon, type IconName, Mark } from './icons.tsx';
import { Flashes } from './parts.tsx';

/** The parts of the console, in the order of the navigation; each has an icon of its name. */
const AREAS = {
  overview: { path: '/admin', name: 'Overview' },
  users: { path: '/admin/users', name: 'Users' },
  invitations: { path: '/admin/invitations', name: 'Invitations' },
  sessions: { path: '/admin/sessions', name: 'Sessions' },
  rooms: { path: '/admin/rooms', name: 'Rooms' },
  groups: { path: '/admin/groups', name: 'Groups' },
  announcements: { path: '/admin/announcements', name: 'Announcements' },
  nodes: { path: '/admin/nodes', name: 'Nodes' },
  reports: { path: '/admin/reports', name: 'Reports' },
  files: { path: '/admin/files', name: 'Files' },
  portable: { path: '/admin/portable', name: 'Import, export' },
  hosts: { path: '/admin/hosts', name: 'Hosts' },
  federation: { path: '/admin/federation', name: 'Federation' },
  audit: { path: '/admin/audit', name: 'Audit log' },
  trace: { path: '/admin/trace', name: 'Trace' },
  watch: { path: '/admin/watch', name: 'Watch' },
  log: { path: '/admin/log', name: 'Log levels' },
  server: { path: '/admin/server', name: 'Server' },
} as const satisfies Partial<Record<IconName, { path: string; name: string }>>;

/** A part of the console, as its navigation lists them. */
export type Area = keyof typeof AREAS;

const areas = Object.entries(AREAS) as [Area, (typeof AREAS)[Area]][];

/** What an admin of a host is shown; the rest is for operators. */
const OF_HOSTS: ReadonlySet<Area> = new Set([
  'users',
  'invitations',
  'sessions',
  'rooms',
  'groups',
  'announcements',
  'reports',
  'files',
  'trace',
]);

/** The head that all pages share. */
const Head = ({ title, paths, csrf }: { title: string; paths: AssetPaths; csrf?: string }) => (
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="robots" content="noindex" />
    {csrf === undefined ? null : <meta name="csrf" content={csrf} />}
    <title>{`${title} · rtcd`}</title>
    <link rel="icon" href={paths.mark} type="image/svg+xml" />
    <link rel="stylesheet" href={paths.style} />
    <script type="module" src={paths.script} />
  </head>
);

/** A page for a signed-in admin. */
export const Layout = (props: {
  title: string;
  area: Area;
  isOperator: boolean;
  paths: AssetPaths;
  account: string;
  csrf: string;
  flashes: readonly Flash[];
  children?: Child;
}) => (
  <html lang="en">
    <Head title={props.title} paths={props.paths} csrf={props.csrf} />
    <body class="framed">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href="/admin" aria-label="rtcd, overview">
          <Mark />
          <span>rtcd</span>
        </a>
        <button type="button" class="menu-button" popovertarget="menu">
          <Icon name="menu" />
          Menu
        </button>
      </header>
      <div class="side" id="menu" popover="auto">
        <nav aria-label="Console">
          <ul>
            {areas
              .filter(([key]) => props.isOperator || OF_HOSTS.has(key))
              .map(([key, { path, name }]) => (
                <li>
                  <a href={path} aria-current={key === props.area ? 'page' : undefined}>
                    <Icon name={key} />
                    {name}
                  </a>
                </li>
              ))}
          </ul>
        </nav>
        <form class="who" method="post" action="/admin/sign-out">
          <input type="hidden" name="csrf" value={props.csrf} />
          <span class="who-name">
            <span class="quiet">Signed in as</span>
            <span class="wrap">{props.account}</span>
          </span>
          <button class="button plain" type="submit">
            <Icon name="out" />
            Sign out
          </button>
        </form>
      </div>
      <main id="main" tabindex={-1}>
        <Flashes flashes={props.flashes} />
        {props.children}
      </main>
    </body>
  </html>
);

/** A page for somebody who is not signed in: one card in the middle. */
export const Welcome = (props: { title: string; paths: AssetPaths; children?: Child }) => (
  <html lang="en">
    <Head title={props.title} paths={props.paths} />
    <body class="welcome">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <main id="main" tabindex={-1}>
        <div class="brand">
          <Mark size={44} />
          <span>rtcd</span>
        </div>
        <div class="card">{props.children}</div>
        <p class="quiet centred">Your own real-time communication server.</p>
      </main>
    </body>
  </html>
);
