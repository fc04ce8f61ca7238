/** The parts of a plot: pictures that are read on white and on black alike. */

/** The colour of each server, of middle lightness. */
const COLOURS: Readonly<Record<string, string>> = {
  rtcd: '#0d9488',
  prosody: '#d97706',
  ejabberd: '#8b5cf6',
};
/** Of one that is not named above. */
const OTHER_COLOUR = '#64748b';

/** The colour of a server. */
export const colourOf = (server: string): string => COLOURS[server] ?? OTHER_COLOUR;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #334155 }
  .title { font-size: 14px; font-weight: 600 }
  .faint { fill: #64748b }
  .grid { stroke: #94a3b8; stroke-opacity: .35 }
  .axis { stroke: #64748b }
  .spread { stroke: #475569; stroke-width: 1.5 }
  .target { stroke: #dc2626; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e2e8f0 }
    .faint { fill: #94a3b8 }
    .spread { stroke: #cbd5e1 }
    .target { stroke: #f87171 }
  }`;

/** What a place of XML may not hold as it is. */
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Text as it stands in XML. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign);

/** A number of pixels, to a tenth. */
export const px = (value: number): string => `${Math.round(value * 10) / 10}`;

/** A whole picture. */
export function picture(
  title: string,
  width: number,
  height: number,
  parts: readonly string[],
): string {
  const name = escapeXml(title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}">`,
    `<style>${STYLE}\n</style>`,
    text(12, 22, title, { kind: 'title' }),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** How a text stands. */
export interface TextOptions {
  readonly kind?: 'title' | 'faint';
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** A text; `y` is that of its base line. */
export function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const kind = options.kind === undefined ? '' : ` class="${options.kind}"`;
  const anchor = options.anchor === undefined ? '' : ` text-anchor="${options.anchor}"`;
  return `<text x="${px(x)}" y="${px(y)}"${kind}${anchor}>${escapeXml(content)}</text>`;
}

/** A straight line. */
export const line = (kind: string, x1: number, y1: number, x2: number, y2: number): string =>
  `<line class="${kind}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;

/** The names of servers beside their colours, in a row. */
export function legend(servers: readonly string[], x: number, y: number): string[] {
  const SPACE = 92;
  return servers.flatMap((server, index) => [
    `<rect x="${px(x + index * SPACE)}" y="${px(y - 9)}" width="10" height="10" rx="2" fill="${colourOf(server)}"/>`,
    text(x + index * SPACE + 15, y, server),
  ]);
}

/** Round numbers from 0 to at least a value, a few of them. */
export function ticksTo(most: number, about = 5): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, index) => index * step);
}
