/**
 * Prints the functions that took most of the time in the V8 CPU profiles of a folder. Work outside of
 * JavaScript that no JavaScript called (a TLS handshake, the decryption of what arrives) is counted as
 * waiting by V8, so that it is missing here; the CPU time in the table of figures has it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What we read of a profile (Chrome DevTools Protocol, Profiler.Profile). */
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
  readonly children?: readonly number[];
}

/** How many functions are printed. */
const LINES = 40;
const WAITING = new Set(['(idle)', '(program)', '(root)']);

const maps = new Map<string, SourceMap | undefined>();

/** The source map of a file that was built; undefined where there is none. */
function mapOf(url: string): SourceMap | undefined {
  if (!maps.has(url)) {
    const file = `${url.startsWith('file:') ? fileURLToPath(url) : url}.map`;
    maps.set(url, existsSync(file) ? new SourceMap(readJson(file)) : undefined);
  }
  return maps.get(url);
}

const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

/** A function's name and place in the sources, the place without the folders that lead there. */
function nameOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  const entry = mapOf(url)?.findEntry(lineNumber, columnNumber);
  const [source, line] =
    entry !== undefined && 'originalSource' in entry
      ? [entry.originalSource, entry.originalLine]
      : [url, lineNumber];
  const place = source.replace(/^.*\/(?=src\/|dist\/|node_modules\/)/, '');
  return `${functionName || '(anonymous)'}${place === '' ? '' : ` ${place}:${line + 1}`}`;
}

/** Adds to a sum. */
const add = (sums: Map<string, number>, name: string, value: number) =>
  sums.set(name, (sums.get(name) ?? 0) + value);

/** Microseconds in each function itself, and in it and all that it called. */
function timesOf({ nodes, samples, timeDeltas }: Profile) {
  const byId = new Map(nodes.map((node) => [node.id, node] as const));
  const self = new Map<string, number>();
  const ofNode = new Map<number, number>();
  for (const [at, id] of samples.entries()) {
    const node = byId.get(id);
    const time = timeDeltas[at] ?? 0;
    if (node === undefined) continue;
    add(self, nameOf(node), time);
    ofNode.set(id, (ofNode.get(id) ?? 0) + time);
  }
  const total = new Map<string, number>();
  const sum = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const name = nameOf(node);
    const inside = new Set(above).add(name);
    const time = (node.children ?? []).reduce((all, id) => {
      const child = byId.get(id);
      return child === undefined ? all : all + sum(child, inside);
    }, ofNode.get(node.id) ?? 0);
    if (!above.has(name)) add(total, name, time); // recursion counts once
    return time;
  };
  const root = nodes[0];
  if (root !== undefined) sum(root, new Set());
  return { self, total };
}

/** The table of one profile: shares of the time in which the thread did not wait. */
function hotText(profile: Profile): string {
  const { self, total } = timesOf(profile);
  const busy = [...self].reduce((all, [name, time]) => (WAITING.has(name) ? all : all + time), 0);
  const percent = (time: number) => `${((100 * time) / busy).toFixed(1)} %`.padStart(8);
  const top = [...self]
    .filter(([name]) => !WAITING.has(name))
    .sort((a, b) => b[1] - a[1])
    .slice(0, LINES);
  const lines = top.map(
    ([name, time]) => `${percent(time)} ${percent(total.get(name) ?? 0)}  ${name}`,
  );
  return [`busy for ${(busy / 1e6).toFixed(1)} s`, '    self    total', ...lines].join('\n');
}

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: node dist/bench/hot.js <folder of .cpuprofile files>\n');
  process.exit(2);
}
for (const file of readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))) {
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
  process.stdout.write(`${file}: ${hotText(profile)}\n\n`);
}
