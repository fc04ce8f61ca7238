/** The console's style, script and mark: read at start, served under names that change with them. */
import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import type { HttpEnv } from '../http/client.ts';
import { digest } from './secrets.ts';

/** The addresses of the assets, for pages. */
export interface AssetPaths {
  readonly style: string;
  readonly script: string;
  readonly mark: string;
}

/** The assets. */
export interface Assets {
  readonly paths: AssetPaths;
  /** Serves them. */
  readonly app: Hono<HttpEnv>;
}

/** The sheets in the order in which they are joined. */
const SHEETS = ['tokens.css', 'base.css', 'layout.css', 'parts.css', 'forms.css', 'tables.css'];
/** A year: the name changes when the content does. */
const CACHING = 'public, max-age=31536000, immutable';

/** Reads the assets from the folder beside this file; rejects when one is missing. */
export async function loadAssets(): Promise<Assets> {
  const read = (name: string) => readFile(new URL(`./assets/${name}`, import.meta.url), 'utf8');
  const sheets = await Promise.all(SHEETS.map(read));
  const files = {
    style: {
      name: 'console',
      end: 'css',
      type: 'text/css; charset=utf-8',
      text: sheets.join('\n'),
    },
    script: {
      name: 'console',
      end: 'js',
      type: 'text/javascript; charset=utf-8',
      text: await read('console.js'),
    },
    mark: { name: 'mark', end: 'svg', type: 'image/svg+xml', text: await read('mark.svg') },
  };
  const app = new Hono<HttpEnv>();
  const publish = ({ name, end, type, text }: (typeof files)['style']) => {
    const path = `/admin/assets/${name}.${digest(text).slice(0, 12)}.${end}`;
    app.get(path, (c) => c.body(text, 200, { 'Content-Type': type, 'Cache-Control': CACHING }));
    return path;
  };
  const paths = {
    style: publish(files.style),
    script: publish(files.script),
    mark: publish(files.mark),
  };
  return { paths, app };
}
