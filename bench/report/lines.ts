/** A plot of lines: how something grows with something else. */

import { colourOf, legend, line, picture, px, text, ticksTo } from './svg.ts';
import { numberText } from './table.ts';

/** One point. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How one figure grows. */
export interface Growth {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Whether x is drawn by its powers of ten. */
  readonly isLogarithmic?: boolean;
  /** The points of each server, by x. */
  readonly lines: Readonly<Record<string, readonly Point[]>>;
}

const WIDTH = 640;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 44;
const TOP = 60;
const BOTTOM = 52;

/** Draws it. */
export function linesPlot({ title, x, y, isLogarithmic = false, lines }: Growth): string {
  const points = Object.values(lines).flat();
  const rising = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const ticks = ticksTo(Math.max(...points.map((point) => point.y)));
  const top = ticks.at(-1) ?? 1;
  const [least = 0, most = 1] = [rising[0], rising.at(-1)];
  const place = isLogarithmic
    ? (value: number) => Math.log(value / least) / (Math.log(most / least) || 1)
    : (value: number) => value / most;
  const right = (value: number) => LEFT + place(value) * (WIDTH - LEFT - RIGHT);
  const up = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const across = ticks.flatMap((value) => [
    line('grid', LEFT, up(value), WIDTH - RIGHT, up(value)),
    text(LEFT - 8, up(value) + 4, numberText(value), { kind: 'faint', anchor: 'end' }),
  ]);
  const along = (isLogarithmic ? rising : ticksTo(most).filter((value) => value <= most)).map(
    (value) =>
      text(right(value), HEIGHT - BOTTOM + 18, numberText(value), {
        kind: 'faint',
        anchor: 'middle',
      }),
  );
  const drawn = Object.entries(lines).flatMap(([server, own]) => {
    const path = own.map((point) => `${px(right(point.x))},${px(up(point.y))}`);
    const colour = colourOf(server);
    return [
      `<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...path.map((at) => {
        const [cx, cy] = at.split(',');
        return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`;
      }),
    ];
  });
  return picture(title, WIDTH, HEIGHT, [
    ...legend(Object.keys(lines), LEFT, 42),
    text(WIDTH - RIGHT, 42, y, { kind: 'faint', anchor: 'end' }),
    ...across,
    ...along,
    line('axis', LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM),
    ...drawn,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, { kind: 'faint', anchor: 'middle' }),
  ]);
}
