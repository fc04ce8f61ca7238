/** XEP-0198 §4: when requests are answered, and how what is sent late is written. */
import { describe, expect, test } from 'vitest';
import { lateText, Managed } from '../../src/c2s/managed.ts';
import { readStored } from '../../src/stanza/stored.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';

function managed() {
  const clock = manualClock();
  const counts: string[] = [];
  const stream = new Managed({
    clock,
    resumeId: undefined,
    resumeMs: 0,
    write: (text) => void counts.push(/h="(\d+)"/.exec(text)?.[1] ?? text),
  });
  return { clock, counts, stream };
}

test('at once where all is handled, and else once it is', () => {
  const { clock, counts, stream } = managed();
  stream.answer();
  const place = stream.received.begin();
  stream.answer();
  expect(counts).toEqual(['0']);
  stream.received.settle(place);
  clock.advance(60_000);
  expect(counts).toEqual(['0', '1']);
});

test('each of them after a while at the latest, however long it takes', () => {
  const { clock, counts, stream } = managed();
  const place = stream.received.begin();
  for (let requests = 1; requests <= 3; requests += 1) {
    stream.answer();
    clock.advance(1000);
    expect(counts).toHaveLength(requests);
  }
  clock.advance(60_000);
  expect(counts).toEqual(['0', '0', '0']);
  stream.received.settle(place);
  expect(counts.slice(3)).toContain('1');
});

describe('§4, XEP-0203 what is written late says since when', () => {
  const write = (text: string, ms: number) =>
    lateText(
      { stanza: readStored(text), text, receipt: undefined, at: 0 },
      domain('capulet.example'),
      ms,
    );
  const to = "from='romeo@montague.example/x' to='juliet@capulet.example/y'";
  const delay =
    '<delay xmlns="urn:xmpp:delay" from="capulet.example" stamp="1970-01-01T00:00:00.000Z"/>';
  const said = `<message ${to}><body>x</body></message>`;

  test.each([
    [said, `<message ${to}><body>x</body>${delay}</message>`],
    [`<presence ${to}/>`, `<presence ${to}>${delay}</presence>`],
  ])('%s', (text, late) => {
    expect(write(text, 2000)).toBe(late);
  });

  test.each([
    ['what is not late', said, 1999],
    ['what has its time', said.replace('<body>', `${delay}<body>`), 60_000],
    ['a request', `<iq type='get' id='1' ${to}><ping xmlns='urn:xmpp:ping'/></iq>`, 60_000],
  ])('but for %s', (_, text, ms) => {
    expect(write(text, ms)).toBe(text);
  });
});
