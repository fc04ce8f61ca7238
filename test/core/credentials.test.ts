/** Which mechanisms whom are offered, and what nobody can learn from it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCredentials } from '../../src/core/credentials.ts';
import { type BareJid, makeBare, parseDomain } from '../../src/jid/jid.ts';
import { deriveKeys, SCRAM_HASHES, type ScramHash } from '../../src/sasl/index.ts';
import { type Scene, startScene } from '../support/scene.ts';

const parsed = parseDomain('capulet.example');
if (!parsed.ok) throw new Error(parsed.why);
const HOST = parsed.value;
const ALL = [...SCRAM_HASHES];

const jid = (name: string): BareJid => {
  const made = makeBare(name, HOST);
  if (!made.ok) throw new Error(made.why);
  return made.value;
};

let scene: Scene;
beforeEach(async () => {
  scene = await startScene({ modules: [], accounts: ['juliet@capulet.example'] });
});
afterEach(() => scene.stop());

const credentials = () => createCredentials(scene.store, scene.clock, Buffer.from('a seed'));

/** An account as it comes from another server: with keys for some hashes only. */
async function imported(name: string, hashes: readonly ScramHash[]): Promise<void> {
  const keys = await Promise.all(hashes.map((hash) => deriveKeys('secret', hash, 4096)));
  await scene.accounts.create(jid(name), 'to be replaced');
  const found = keys.filter((key) => key !== undefined);
  await scene.store.write(...credentials().replacing(jid(name), found));
}

describe('XEP-0388 §2.1: offered is what an account can use', () => {
  test('where nobody lacks anything all is offered to everybody, without a look-up', async () => {
    const one = credentials();
    await one.offeredTo(HOST, undefined);
    for (const name of ['juliet', 'nobody']) expect(one.offeredTo(HOST, jid(name))).toEqual(ALL);
    expect(one.offeredTo(HOST, undefined)).toEqual(ALL);
  });

  test('an account that has keys for one hash is offered that one', async () => {
    await imported('romeo', ['SHA-1']);
    const one = credentials();
    expect(await one.offeredTo(HOST, jid('romeo'))).toEqual(['SHA-1']);
    expect(await one.offeredTo(HOST, jid('juliet'))).toEqual(ALL);
  });

  test('whoever does not say who he is, is offered what all can use', async () => {
    await imported('romeo', ['SHA-1']);
    expect(await credentials().offeredTo(HOST, undefined)).toEqual(['SHA-1']);
    await imported('nurse', ['SHA-256']);
    expect(await credentials().offeredTo(HOST, undefined)).toEqual(ALL); // there is no such
  });

  test('§3: names that are none look like those that are, in the same proportion', async () => {
    await imported('romeo', ['SHA-1']);
    await imported('nurse', ['SHA-1']);
    await imported('tybalt', ['SHA-1', 'SHA-256']);
    const one = credentials();
    const offers = new Map<string, number>();
    for (let index = 0; index < 1000; index += 1) {
      const offer = String(await one.offeredTo(HOST, jid(`nobody${index}`)));
      offers.set(offer, (offers.get(offer) ?? 0) + 1);
    }
    // Of four accounts two have one hash, one has two, one has all.
    expect([...offers.keys()].sort()).toEqual(['SHA-1', 'SHA-256,SHA-1', 'SHA-512,SHA-256,SHA-1']);
    expect(offers.get('SHA-1')).toBeGreaterThan(430);
    expect(offers.get('SHA-1')).toBeLessThan(570);
    const again = credentials();
    for (let index = 0; index < 50; index += 1) {
      const name = jid(`nobody${index}`);
      expect(await again.offeredTo(HOST, name)).toEqual(await one.offeredTo(HOST, name));
    }
  });

  test('what is lacking is counted anew after a while', async () => {
    await imported('romeo', ['SHA-1', 'SHA-256']);
    const one = credentials();
    expect(await one.offeredTo(HOST, undefined)).toEqual(['SHA-256', 'SHA-1']);
    const keys = await deriveKeys('secret', 'SHA-512', 4096);
    if (keys === undefined) throw new Error('no keys');
    expect(await one.add(jid('romeo'), keys)).toBe(true);
    // The account itself is looked up each time.
    expect(await one.offeredTo(HOST, jid('romeo'))).toEqual(ALL);
    scene.clock.advance(61_000);
    await one.offeredTo(HOST, undefined);
    expect(await one.offeredTo(HOST, undefined)).toEqual(ALL);
  });
});

test('XEP-0480 §4: keys that an account has are not replaced', async () => {
  await imported('romeo', ['SHA-1']);
  const one = credentials();
  const before = await one.find(jid('romeo'), 'SHA-1');
  const keys = await deriveKeys('another', 'SHA-1', 4096);
  if (keys === undefined) throw new Error('no keys');
  expect(await one.add(jid('romeo'), keys)).toBe(false);
  expect(await one.find(jid('romeo'), 'SHA-1')).toEqual(before);
});
