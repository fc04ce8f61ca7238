import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeldBack } from '../../src/c2s/client-state.ts';
import { parseJid } from '../../src/jid/jid.ts';
import { message } from '../../src/stanza/build.ts';
import type { Stanza } from '../../src/stanza/stanza.ts';

const jid = (raw: string) => {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const FROM = jid('romeo@montague.example');

/** A stanza by a word: `now…` goes at once, `a1`, `a2` … have the key `a`, others wait. */
const entry = (word: string) => ({
  stanza: message({ from: FROM, to: FROM, id: word }),
  text: word,
});
type Entry = ReturnType<typeof entry>;
const turnOf = ({ id = '' }: Stanza) => {
  if (id.startsWith('now')) return { kind: 'now' } as const;
  const [, key] = /^([a-z])\d+$/.exec(id) ?? [];
  return { kind: 'later', key } as const;
};
const holder = (maxStanzas = 100, maxBytes = 1000) =>
  new HeldBack<Entry>({ turnOf, maxStanzas, maxBytes });
const words = (entries: readonly Entry[]) => entries.map(({ text }) => text);
const take = (held: HeldBack<Entry>, word: string) => words(held.take(entry(word)).out);

describe('XEP-0352: what is held back', () => {
  test('waits until it is asked for, and comes in its order', () => {
    const held = holder();
    expect(['one', 'two', 'three'].flatMap((word) => take(held, word))).toEqual([]);
    expect(words(held.flush())).toEqual(['one', 'two', 'three']);
    expect(held.flush()).toEqual([]);
  });

  test('goes before what goes at once', () => {
    const held = holder();
    for (const word of ['one', 'two']) take(held, word);
    expect(take(held, 'now')).toEqual(['one', 'two', 'now']);
    expect(take(held, 'now!')).toEqual(['now!']);
  });

  test('of those with one key only the last is left, where it came', () => {
    const held = holder();
    const voided = ['a1', 'b1', 'one', 'a2', 'b2', 'a3'].map(
      (word) => held.take(entry(word)).voided?.text,
    );
    expect(voided).toEqual([undefined, undefined, undefined, 'a1', 'b1', 'a2']);
    expect(held.size).toBe(3);
    expect(take(held, 'now')).toEqual(['one', 'b2', 'a3', 'now']);
  });

  test('a key is forgotten with what had it', () => {
    const held = holder();
    take(held, 'a1');
    held.flush();
    expect(held.take(entry('a2')).voided).toBeUndefined();
  });

  test('what is too many goes out, all of it', () => {
    const held = holder(3);
    for (const word of ['one', 'two', 'three']) expect(take(held, word)).toEqual([]);
    expect(take(held, 'four')).toEqual(['one', 'two', 'three', 'four']);
    expect(take(held, 'five')).toEqual([]);
  });

  test('what is too much goes out, all of it; what was replaced does not count', () => {
    const held = holder(100, 10);
    for (const word of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'])
      expect(take(held, word)).toEqual([]);
    expect(take(held, 'eight888')).toEqual([]); // 10 of 10
    expect(take(held, 'n')).toEqual(['a7', 'eight888', 'n']);
    expect(take(held, 'far too long for it')).toEqual(['far too long for it']);
    expect(held.size).toBe(0);
  });

  test('nothing is held where nothing may be', () => {
    expect(take(holder(0), 'one')).toEqual(['one']);
  });

  test('whatever comes in comes out once, in order, or was made void by what came later', () => {
    const word = fc.constantFrom('now', 'one', 'a1', 'b1', 'c1', 'flush');
    const holds = (sequence: readonly string[], most: number, bytes: number): void => {
      const held = holder(most, bytes);
      const [written, voided]: [Entry[], Entry[]] = [[], []];
      const sent: Entry[] = [];
      for (const each of sequence) {
        if (each === 'flush') {
          written.push(...held.flush());
          continue;
        }
        const one = entry(each);
        sent.push(one);
        const step = held.take(one);
        written.push(...step.out);
        if (step.voided !== undefined) voided.push(step.voided);
        expect(held.size).toBeLessThanOrEqual(most);
        if (each === 'now') expect(written.at(-1)).toBe(one);
      }
      written.push(...held.flush());
      const at = (one: Entry) => sent.indexOf(one);
      expect(written.map(at)).toEqual(written.map(at).toSorted((a, b) => a - b));
      expect(new Set([...written, ...voided])).toEqual(new Set(sent));
      expect(written.length + voided.length).toBe(sent.length);
      for (const one of voided)
        expect(sent.slice(at(one) + 1).some(({ text }) => text === one.text)).toBe(true);
    };
    const sequences = fc.array(word, { maxLength: 60 });
    fc.assert(fc.property(sequences, fc.nat(6), fc.nat(20), holds), { numRuns: 200 });
  });
});
