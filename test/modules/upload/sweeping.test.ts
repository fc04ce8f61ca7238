/** What is removed, when, and what an admin sees of files. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAudit } from '../../../src/core/audit.ts';
import { createOperations } from '../../../src/core/operation.ts';
import { type Stage, setStage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await setStage({ keepFor: '2d', quota: '1MiB' });
});
afterEach(() => stage.stop());

const DAY_MS = 86_400_000;

/** Runs an operation; answers its value, or why not. */
async function run(name: string, input: object = {}) {
  const { registry, store, clock, log } = stage.scene;
  const operations = createOperations(registry.operations, {
    audit: createAudit(store, clock),
    log: log.area('operations'),
    mayRun: () => true,
  });
  const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
  return outcome.ok ? operations.find(name)?.output.parse(outcome.value) : outcome.why;
}

describe('sweeping', () => {
  test('what is too old goes, however much it is, and nothing else', async () => {
    for (let count = 0; count < 120; count += 1) await stage.store('old', 'x');
    stage.scene.clock.advance(1.5 * DAY_MS);
    const path = await stage.store('new', 'x');
    stage.scene.clock.advance(0.6 * DAY_MS);
    await expect.poll(() => stage.files()).toHaveLength(1);
    expect((await stage.get(path)).status).toBe(200);
    expect(await run('files.list')).toMatchObject({ total: 1, files: [{ name: 'new' }] });
  });

  test('what a crash left behind goes, what others put there stays', async () => {
    const path = await stage.store('a', 'x');
    const lost = 'L'.repeat(32);
    const kept = `LL/notes.txt`;
    for (const each of [`LL/${lost}`, `incoming/${lost}`, kept]) {
      await mkdir(dirname(stage.pathOf(each)), { recursive: true });
      await writeFile(stage.pathOf(each), 'half');
    }
    expect(await stage.files()).toHaveLength(3);
    stage.scene.clock.advance(2000);
    await expect.poll(() => stage.files()).toHaveLength(1);
    expect((await stage.get(path)).status).toBe(200);
    await writeFile(stage.pathOf(kept), 'still there', { flag: 'r+' });
  });
});

describe('operations', () => {
  test('files.list, show and delete', async () => {
    const path = await stage.store('très cool.jpg', 'xyz', 'image/jpeg');
    const [, , id = ''] = path.split('/');
    const now = stage.scene.clock.now();
    const file = {
      id,
      jid: 'romeo@montague.tld',
      name: 'très cool.jpg',
      type: 'image/jpeg',
      size: 3,
      purpose: 'message',
      stored: now,
      ends: now + 2 * DAY_MS,
      url: `https://montague.tld:5281${path}`,
    };
    expect(await run('files.list')).toEqual({ files: [file], total: 1 });
    expect(await run('files.list', { jid: 'romeo@montague.tld' })).toMatchObject({ total: 1 });
    expect(await run('files.list', { jid: 'juliet@capulet.tld' })).toMatchObject({ total: 0 });
    expect(await run('files.list', { host: 'capulet.tld' })).toEqual({ files: [], total: 0 });
    expect(await run('files.show', { id })).toEqual(file);
    expect(await run('files.delete', { id })).toMatchObject({ name: 'très cool.jpg' });
    expect(await run('files.delete', { id })).toBe('not-found');
    expect(await run('files.show', { id: '../../etc/passwd' })).toBe('invalid-input');
    expect((await stage.get(path)).status).toBe(404);
    expect(await stage.files()).toEqual([]);
  });

  test('files.quota tells of a user, and of each domain', async () => {
    await stage.store('a', Buffer.alloc(1000));
    await stage.store(
      'b',
      Buffer.alloc(10),
      undefined,
      "<profile xmlns='urn:xmpp:http:upload:purpose:0'/>",
    );
    expect(await run('files.quota', { jid: 'romeo@montague.tld' })).toEqual({
      usage: [
        { of: 'files', files: 1, used: 1000, limit: 1_048_576 },
        { of: 'profile', files: 1, used: 10, limit: 20_971_520 },
        { of: 'uploaded today', files: null, used: 1010, limit: 524_288_000 },
      ],
    });
    expect(await run('files.quota')).toMatchObject({
      usage: [
        { of: 'capulet.tld', files: 0, used: 0 },
        { of: 'montague.tld', files: 2, used: 1010, limit: 21_474_836_480 },
      ],
    });
    expect(await run('files.quota', { jid: 'nobody@montague.tld' })).toBe('not-found');
  });
});
