/** Pages that are derived from the code: `UPDATE_DOCS=1 npx vitest run test/docs.test.ts` writes them. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configReference } from '../src/config/reference.ts';
import {
  CORE_SPECS,
  conformanceTable,
  doap,
  specLines,
  specName,
} from '../src/core/conformance.ts';
import type { Spec } from '../src/core/module.ts';
import { modules } from '../src/modules/index.ts';
import { childrenOf, type Element } from '../src/xml/element.ts';
import { parseElement } from '../src/xml/parse.ts';

const isUpdate = process.env['UPDATE_DOCS'] !== undefined;
const pages = [
  ['docs/conformance.md', conformanceTable(modules)],
  ['docs/rtcd.doap', doap(modules)],
  ['docs/config.md', configReference({ server: {}, modules })],
] as const;

describe('derived documentation is not stale', () => {
  test.each(pages)('%s', async (path, text) => {
    const file = resolve(import.meta.dirname, '..', path);
    if (isUpdate) await writeFile(file, text);
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});

describe('what is said to be implemented', () => {
  const specs: readonly Spec[] = [...CORE_SPECS, ...modules].flatMap((each) => each.specs);

  test('a XEP has one version, whoever implements its parts', () => {
    const versions = new Map<string, string>();
    for (const spec of specs) {
      if (!('xep' in spec)) continue;
      const name = specName(spec);
      expect(versions.get(name) ?? spec.version, name).toBe(spec.version);
      versions.set(name, spec.version);
    }
  });

  test('what is partial says in which way', () => {
    expect(specs.filter(({ covers, note }) => covers === 'partial' && note === undefined)).toEqual(
      [],
    );
  });

  test('RFCs stand before XEPs, by their numbers', () => {
    const small = [
      { name: 'b', specs: [{ xep: 199, version: '2.0.1', covers: 'complete' }] },
      { name: 'a', specs: [{ rfc: 4, sections: '2', covers: 'partial', note: 'a | b' }] },
    ] as const;
    const lines = specLines(small).filter(({ name }) => name === 'a' || name === 'b');
    expect(lines).toEqual([
      { name: 'a', spec: 'RFC 4', version: '2', covers: 'partial', note: 'a | b' },
      { name: 'b', spec: 'XEP-0199', version: '2.0.1', covers: 'complete', note: '' },
    ]);
    expect(conformanceTable(small)).toContain('| § 2 | partial | `a` | a \\| b |');
  });

  test('XEP-0453: the DOAP file is XML that names each specification once', () => {
    const parsed = parseElement(doap(modules).replace(/^<\?xml[^>]*\?>/, ''));
    if (!parsed.ok) expect.fail(parsed.fault.text);
    const [project] = childrenOf(parsed.element);
    const named = (project === undefined ? [] : childrenOf(project))
      .filter(({ name }) => name === 'implements')
      .map(resourceIn);
    expect(named).toHaveLength(new Set(specs.map(specName)).size);
    expect(new Set(named).size).toBe(named.length);
    expect(named).toContain('https://xmpp.org/extensions/xep-0030.html');
  });
});

/** The first `rdf:resource` of an element or what is in it. */
function resourceIn(element: Element): string | undefined {
  const own = Object.entries(element.attrs).find(([name]) => name.endsWith('resource'))?.[1];
  return (
    own ??
    childrenOf(element)
      .map(resourceIn)
      .find((found) => found !== undefined)
  );
}
