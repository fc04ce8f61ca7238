import { describe, expect, test } from 'vitest';
import { type DocumentEvent, readDocument } from '../../src/xml/document.ts';
import { serialise } from '../../src/xml/element.ts';

const LIMITS = { maxBytes: 100_000, maxDepth: 4, maxAttributes: 5, maxElements: 20 };

/** What a document tells, in short; elements below the root that are called `many` hold others. */
async function told(parts: Iterable<string | Buffer>): Promise<string[]> {
  async function* source() {
    for (const part of parts) yield Buffer.from(part);
  }
  const events: string[] = [];
  const opens = ({ name }: { readonly name: string }, path: readonly unknown[]) =>
    path.length === 0 || name === 'many';
  for await (const event of readDocument(source(), { opens, limits: LIMITS }))
    events.push(textOf(event));
  return events;
}

function textOf(event: DocumentEvent): string {
  if (event.kind === 'close') return '/';
  if (event.kind === 'fault') return `fault: ${event.fault.condition}`;
  const text = serialise(event.element);
  if (event.kind === 'element') return text;
  return event.kind === 'open' ? `open ${text}` : `skipped ${text}: ${event.why}`;
}

describe('a document, as it is read', () => {
  test('elements that hold others are told as such, the others whole, each with its namespace', async () => {
    const text = `<?xml version='1.0'?><a xmlns='urn:a'> <!-- c --><many id='1'><x/><y xmlns='jabber:client'>t<z/></y></many><w>&lt;<![CDATA[<]]></w></a>`;
    const expected = [
      'open <a xmlns="urn:a"/>',
      'open <many xmlns="urn:a" id="1"/>',
      '<x xmlns="urn:a"/>',
      '<y>t<z/></y>',
      '/',
      '<w xmlns="urn:a">&lt;&lt;</w>',
      '/',
    ];
    expect(await told([text])).toEqual(expected);
    expect(await told([...text])).toEqual(expected); // whatever the chunks are
  });

  test.each([
    ['too large', `<b>${`<c>${'x'.repeat(9000)}</c>`.repeat(12)}</b>`],
    ['too deep', '<b><c><d><e/></d></c></b>'.replace('<e/>', '<e><f/></e>')],
    ['has too many elements', `<b>${'<c/>'.repeat(20)}</b>`],
  ])('an element that is %s is passed over, and what follows is read', async (why, text) => {
    expect(await told([`<a>${text}<g/></a>`])).toEqual([
      'open <a xmlns=""/>',
      expect.stringMatching(new RegExp(`^skipped <b xmlns=""/>: .*${why}`)),
      '<g xmlns=""/>',
      '/',
    ]);
  });

  test('a text or tag that does not end is not gathered', async () => {
    let given = 0;
    function* endless() {
      yield '<a><b>';
      for (; given < 1000; given += 1) yield 'x'.repeat(16_384);
    }
    const events = await told(endless());
    expect(events.at(-1)).toBe('fault: policy-violation');
    expect(given).toBeLessThan(12);
  });

  test.each([
    ['<!DOCTYPE a><a/>', 'restricted-xml'],
    ['<a>&b;</a>', 'restricted-xml'],
    ['<a><b></a>', 'not-well-formed'],
    ['<a><b/>', 'not-well-formed'],
    ["<a b='1' c='1' d='1' e='1' f='1' g='1'/>", 'policy-violation'],
    [Buffer.from('<a>\xff</a>', 'latin1'), 'unsupported-encoding'],
  ])('%s is a fault, and the end', async (text, condition) => {
    expect((await told([text])).at(-1)).toBe(`fault: ${condition}`);
  });
});
