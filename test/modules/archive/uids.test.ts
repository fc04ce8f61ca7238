import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serialAt } from '../../../src/modules/archive/serials.ts';
import { createUids } from '../../../src/modules/archive/uids.ts';

const secret = Buffer.alloc(32, 7);
const uids = createUids(secret);
const owner = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const serial = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe('XEP-0313 §3: the UIDs of messages', () => {
  test('are read again by who made them, and are short', () => {
    fc.assert(
      fc.property(owner, serial, (token, number) => {
        const uid = uids.of(token, number);
        expect(uid).toMatch(/^[\w-]{22}$/);
        expect(uids.read(token, uid)).toBe(number);
      }),
    );
  });

  test('are the same for each of a page at once', () => {
    fc.assert(
      fc.property(owner, fc.array(serial, { maxLength: 60 }), (token, numbers) => {
        expect(uids.all(token, numbers)).toEqual(numbers.map((number) => uids.of(token, number)));
      }),
    );
  });

  test('stay the same from one start to the next', () => {
    expect(createUids(Buffer.from(secret)).of(3, 5)).toBe(uids.of(3, 5));
  });

  test('are none in the archive of another owner, or under another secret', () => {
    fc.assert(
      fc.property(owner, owner, serial, (one, other, number) => {
        fc.pre(one !== other);
        expect(uids.read(other, uids.of(one, number))).toBeUndefined();
        expect(createUids(Buffer.alloc(32, 8)).read(one, uids.of(one, number))).toBeUndefined();
      }),
    );
  });

  test('XEP-0359 §6: neighbours do not look like it', () => {
    const first = serialAt(Date.UTC(2026, 0, 1));
    const starts = Array.from({ length: 100 }, (_, index) => uids.of(1, first + index).slice(0, 6));
    expect(new Set(starts).size).toBe(100);
  });

  test('what was not made here is none', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[\w-]{22}$/)),
        (uid) => {
          expect(uids.read(1, uid)).toBeUndefined();
        },
      ),
    );
  });

  test('each has one spelling', () => {
    const uid = uids.of(1, 2);
    const last = uid.at(-1) ?? '';
    const other = String.fromCharCode(last.charCodeAt(0) + 1);
    expect(Buffer.from(uid.slice(0, -1) + other, 'base64url')).toEqual(
      Buffer.from(uid, 'base64url'),
    );
    expect(uids.read(1, uid.slice(0, -1) + other)).toBeUndefined();
    expect(uids.read(1, `${uid}=`)).toBeUndefined();
    expect(uids.read(1, ` ${uid}`)).toBeUndefined();
  });
});
