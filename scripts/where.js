/**
 * Copies standard input to standard output, and names the source where the built program stands: a line of
 * `dist/main.bundle.js` in a stack trace becomes one of src/. Run `npm run --silent where < log`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { text } from 'node:stream/consumers';

const PLACE = /(?:file:\/\/)?(\/[^\s"()]+\.js):(\d+):(\d+)/g;
const maps = new Map();

function mapOf(file) {
  if (!maps.has(file)) {
    const path = `${file}.map`;
    maps.set(file, existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path))) : undefined);
  }
  return maps.get(file);
}

const named = (await text(process.stdin)).replace(PLACE, (place, file, line, column) => {
  const entry = mapOf(file)?.findEntry(line - 1, column - 1) ?? {};
  if (entry.originalSource === undefined) return place;
  const source = relative(process.cwd(), join(dirname(file), entry.originalSource));
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
});
process.stdout.write(named);
