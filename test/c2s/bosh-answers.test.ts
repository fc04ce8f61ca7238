/** What a BOSH session knows of the answers that its client has. */
import { describe, expect, test } from 'vitest';
import { BoshAnswers } from '../../src/c2s/bosh-answers.ts';
import { readBody } from '../../src/c2s/bosh-body.ts';
import { slotFor } from '../../src/c2s/bosh-slot.ts';

const LIMITS = { maxBytes: 10_000, maxDepth: 10, maxAttributes: 30, maxElements: 100 };
const NS = "xmlns='http://jabber.org/protocol/httpbind'";

/** A request that came when the answers up to a rid had been given. */
function request(rid: number, answered: number, attributes = '') {
  const read = readBody(Buffer.from(`<body rid='${rid}' sid='s' ${attributes} ${NS}/>`), LIMITS);
  if (read === undefined) throw new Error('no <body/>');
  return slotFor(read.body, 0, answered);
}

/** The answers to requests 1, 2 and 3, of 10, 20 and 30 characters, given at 0 ms. */
function given(usesAcks: boolean, most = 2): BoshAnswers {
  const answers = new BoshAnswers(most, usesAcks);
  for (const rid of [1, 2, 3]) answers.note({ rid, text: `${rid}`, size: rid * 10, at: 0 }, false);
  return answers;
}

describe('a client that says nothing of answers', () => {
  test('§11 has all that were given before it sent a request', () => {
    expect(given(false).hear(request(4, 2), 0)).toEqual({ size: 30, missed: undefined });
  });

  test('§14.3 may not have one whose connection broke, nor what came after it', () => {
    const answers = given(false);
    answers.lose(2);
    expect(answers.hear(request(3, 3), 0).size).toBe(10);
  });

  test('§11 has what it must have, though the connection broke: it may not have so many requests', () => {
    const answers = given(false);
    answers.lose(2);
    expect(answers.hear(request(4, 3), 0).size).toBe(60);
  });

  test('§11 may have one request more to pause or to terminate', () => {
    for (const more of ["pause='5'", "type='terminate'"]) {
      const answers = given(false);
      answers.lose(2);
      expect(answers.hear(request(4, 3, more), 0).size).toBe(10);
    }
  });
});

describe('§9.2 a client that says which answers it has', () => {
  test('has those, and they are not kept', () => {
    const answers = given(true);
    expect(answers.hear(request(4, 3, "ack='2'"), 0).size).toBe(30);
    expect(answers.again(2)).toBe('gone');
    expect(answers.again(3)).toMatchObject({ text: '3' });
  });

  test('has all that were given before its request where it says nothing', () => {
    expect(given(true).hear(request(4, 3), 0).size).toBe(60);
  });

  test('lacks what it says to lack, however many requests came after it', () => {
    expect(given(true).hear(request(5, 3, "ack='1'"), 0).size).toBe(10);
  });

  test('§14.3 can have what it lacks once more, though others came after it', () => {
    const answers = given(true);
    for (let rid = 4; rid <= 20; rid += 1) {
      answers.note({ rid, text: `${rid}`, size: 1, at: 0 }, false);
      answers.hear(request(rid + 1, rid, "ack='1'"), 0);
    }
    expect(answers.again(1)).toBe('gone');
    expect(answers.again(2)).toMatchObject({ text: '2' });
  });

  test('but not endlessly many, nor much of it', () => {
    const many = given(true);
    for (let rid = 4; rid <= 40; rid += 1)
      many.note({ rid, text: `${rid}`, size: 1, at: 0 }, false);
    expect(many.again(8)).toBe('gone');
    expect(many.again(9)).toMatchObject({ text: '9' });
    const much = given(true);
    much.note({ rid: 4, text: 'x'.repeat(200_000), size: 1, at: 0 }, false);
    expect(much.again(1)).toMatchObject({ text: '1' });
    much.note({ rid: 5, text: 'x'.repeat(200_000), size: 1, at: 0 }, false);
    expect(much.again(3)).toBe('gone');
    expect(much.again(4)).not.toBe('gone');
  });

  test('does not have what was not given yet', () => {
    expect(given(true).hear(request(5, 3, "ack='9'"), 0).size).toBe(60);
  });

  test('misses the next one once it should have it', () => {
    const missed = (now: number) => given(true).hear(request(4, 3, "ack='2'"), now).missed?.rid;
    expect(missed(499)).toBeUndefined();
    expect(missed(500)).toBe(3);
  });
});
