/** The style of the pages for guests: the console's, and what is theirs; served apart from it. */
import { readFile } from 'node:fs/promises';
import { Hono } from 'hono';
import type { HttpEnv } from '../../http/client.ts';
import { digest } from '../secrets.ts';

/** The addresses of the assets. */
export interface WelcomeAssets {
  readonly style: string;
  readonly mark: string;
  /** Serves them. */
  readonly app: Hono<HttpEnv>;
}

const SHEETS = ['tokens.css', 'base.css', 'layout.css', 'parts.css', 'forms.css', 'welcome.css'];
/** A year: the name changes when the content does. */
const CACHING = 'public, max-age=31536000, immutable';

/** Reads the assets; rejects when one is missing. */
export async function loadWelcomeAssets(): Promise<WelcomeAssets> {
  const read = (name: string) => readFile(new URL(`../assets/${name}`, import.meta.url), 'utf8');
  const sheets = await Promise.all(SHEETS.map(read));
  const app = new Hono<HttpEnv>();
  const publish = (name: string, end: string, type: string, text: string) => {
    const path = `/assets/${name}.${digest(text).slice(0, 12)}.${end}`;
    app.get(path, (c) => c.body(text, 200, { 'Content-Type': type, 'Cache-Control': CACHING }));
    return path;
  };
  return {
    style: publish('welcome', 'css', 'text/css; charset=utf-8', sheets.join('\n')),
    mark: publish('mark', 'svg', 'image/svg+xml', await read('mark.svg')),
    app,
  };
}
