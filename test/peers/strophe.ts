/** strophe.js in a page of Chromium. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';

/** Puts strophe.js into a page, and what it does there step by step (strophe/page.js). */
export async function putStrophe(page: Page): Promise<void> {
  const library = dirname(createRequire(import.meta.url).resolve('strophe.js'));
  for (const file of [
    join(library, 'strophe.umd.min.js'),
    join(import.meta.dirname, 'strophe/page.js'),
  ])
    await page.addScriptTag({ content: await readFile(file, 'utf8') });
}

/** Has a page do a step. */
export const stepOf = (page: Page, name: string, ...words: unknown[]): Promise<unknown> =>
  page.evaluate(([what, more]) => Reflect.get(Reflect.get(globalThis, 'strophe'), what)(...more), [
    name,
    words,
  ] as const);
