/** What the server says of itself once it runs. */
import type { Config } from '../config/schema.ts';
import type { ListenerInfo } from '../operations/services.ts';

/** What the summary tells. */
export interface SummaryFacts {
  readonly version: string;
  readonly config: Config;
  readonly listeners: readonly ListenerInfo[];
  /** The console's address; undefined while it is off. */
  readonly console: string | undefined;
  /** The one-time link by which the first admin is made; undefined when there is one. */
  readonly setupLink: string | undefined;
  /** How long the start took, in ms. */
  readonly tookMs: number;
}

const MEANINGS: Readonly<Record<string, string>> = {
  c2s: 'clients, STARTTLS',
  c2sTls: 'clients, TLS',
  s2s: 'other servers, STARTTLS',
  s2sTls: 'other servers, TLS',
  component: 'components',
  http: 'HTTP: console, metrics',
  https: 'HTTPS: console, files, WebSocket',
  edge: 'one port for all of these',
};

/** The summary, some ten lines. */
export function summaryText(facts: SummaryFacts): string {
  const { config, listeners, console, setupLink } = facts;
  const hosts = config.hosts.map(({ virtualHost }) => virtualHost);
  const ports = Object.keys(MEANINGS).flatMap((name) => {
    const open = listeners.filter((each) => each.name === name);
    const [first] = open;
    if (first === undefined) return [];
    const where = open.map(({ address }) => (address === '*' ? 'all addresses' : address));
    return [`${first.port} ${MEANINGS[name]} (${where.join(', ')})`];
  });
  const lines: readonly (readonly [string, string])[] = [
    ['Domains', hosts.join(', ')],
    ...ports.map((text, index) => [index === 0 ? 'Ports' : '', text] as const),
    ['Config', config.file ?? 'development defaults (no rtcd.yaml found)'],
    ['Data', config.server.data],
    ['Socket', config.server.adminSocket],
    ['Console', console ?? 'switched off'],
  ];
  const body = lines.map(([name, text]) => `  ${name.padEnd(9)}${text}`);
  const seconds = (facts.tookMs / 1000).toFixed(1);
  return [
    '',
    `rtcd ${facts.version} is ready (${seconds} s).`,
    '',
    ...body,
    ...(setupLink === undefined ? [] : firstAdmin(setupLink, hosts[0] ?? 'localhost')),
    '',
    '',
  ].join('\n');
}

function firstAdmin(link: string, host: string): string[] {
  return [
    '',
    '  There is no admin yet. Open this link (it works once):',
    `    ${link}`,
    '  or type:',
    `    npx rtcctl adduser --admin you@${host}`,
  ];
}
