/** A plot of bars: what each server needs for the same work, as a share of the better of the others. */
import { colourOf, legend, line, picture, px, text } from './svg.ts';

/** A bar; all values have the unit of its row. */
export interface Bar {
  readonly server: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** The median as text, with its unit. */
  readonly label: string;
}

/** One kind of work. */
export interface BarRow {
  readonly what: string;
  readonly bars: readonly Bar[];
  /** What counts as 1: the value of the better one of the others. */
  readonly one: number;
  /** The share that ours is to reach. */
  readonly target?: number | undefined;
}

const WIDTH = 860;
const LEFT = 270;
const RIGHT = 96;
const TOP = 58;
const BAR = 11;
const GAP = 12;
/** Shares beyond this end at the edge, and their label says how much it is. */
const MOST = 2.5;

/** Draws rows; a red line marks a target, a dark one what all runs lay between. */
export function barsPlot(title: string, rows: readonly BarRow[]): string {
  const scale = (share: number) => LEFT + (Math.min(share, MOST) / MOST) * (WIDTH - LEFT - RIGHT);
  const parts: string[] = [];
  let y = TOP;
  for (const row of rows) {
    const height = row.bars.length * BAR;
    parts.push(text(LEFT - 10, y + height / 2 + 4, row.what, { anchor: 'end' }));
    for (const [index, bar] of row.bars.entries())
      parts.push(...drawn(bar, row, y + index * BAR, scale));
    if (row.target !== undefined) {
      const x = scale(row.target);
      parts.push(line('target', x, y - 3, x, y + BAR + 2));
    }
    y += height + GAP;
  }
  const grid = [0, 0.5, 1, 1.5, 2, 2.5].flatMap((share) => [
    line('grid', scale(share), TOP - 8, scale(share), y - GAP + 6),
    text(scale(share), y + 8, `${share}`, { kind: 'faint', anchor: 'middle' }),
  ]);
  const servers = [...new Set(rows.flatMap(({ bars }) => bars.map(({ server }) => server)))];
  const under = 'as a share of the better one of the others; red: what rtcd is to reach';
  const foot = text(LEFT, y + 26, under, { kind: 'faint' });
  const all = [...legend(servers, 12, 42), ...grid, ...parts, foot];
  return picture(title, WIDTH, y + 36, all);
}

/** Room for a label, in pixels. */
const LABEL = 60;

function drawn(bar: Bar, row: BarRow, y: number, scale: (share: number) => number): string[] {
  const end = scale(bar.median / row.one);
  const [least, most] = [scale(bar.least / row.one), scale(bar.most / row.one)];
  const middle = y + (BAR - 1) / 2;
  const free = Math.max(end, most);
  // A label gives way to the line of the target, which stands on the first bar.
  const target = bar === row.bars[0] && row.target !== undefined ? scale(row.target) : 0;
  const label = target > free && target < free + LABEL ? target : free;
  return [
    `<rect x="${LEFT}" y="${px(y)}" width="${px(end - LEFT)}" height="${BAR - 1}" fill="${colourOf(bar.server)}"/>`,
    ...(most > least ? [line('spread', least, middle, most, middle)] : []),
    text(label + 5, y + BAR - 1.5, bar.label, { kind: 'faint' }),
  ];
}
