import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { disco } from '../../src/modules/disco/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { upload } from '../../src/modules/upload/index.ts';
import { createFileTables } from '../../src/modules/upload/tables.ts';
import { bare, type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const JOE = 'joe@falcot.com';
const ID = 'A'.repeat(32);

describe('files in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  let data: string;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'rtcd-files-'));
    console = await startConsole({
      accounts: [ADMIN, JOE],
      modules: [roster, disco, upload],
      data,
    });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
    await createFileTables(console.scene.store).add(
      {
        id: ID,
        account: bare(JOE),
        host: console.scene.hosts.all()[0]?.domain ?? expect.fail(),
        name: '<b>très cool.jpg',
        type: 'image/jpeg',
        size: 5_242_880,
        purpose: 'message',
        stored: console.scene.clock.now(),
        expires: undefined,
      },
      0,
    );
  });
  afterEach(async () => {
    await console.stop();
    await rm(data, { recursive: true });
  });

  test('they are listed, with the room that they take', async () => {
    const page = await admin.read('/admin/files');
    expect(page).toContain('&lt;b&gt;très cool.jpg');
    expect(page).toMatch(/5\.0 MiB[\s\S]*20\.0 GiB/);
    expect(page).toContain(`https://falcot.com:5281/upload/${ID}/`);
    expect(await admin.read(`/admin/files?search=${JOE}`)).toMatch(/1\.0 GiB[\s\S]*1 file/);
    expect(await admin.read(`/admin/files?search=${ADMIN}`)).toContain('has no files');
    expect(await admin.read('/admin/files?search=<script>')).toContain('not the address of a user');
  });

  test('an admin of the domain is led to them', async () => {
    await console.scene.accounts.setRole(bare(JOE), 'admin');
    const steward = visit(console.app);
    await steward.signIn(JOE);
    expect(await steward.read('/admin/users')).toContain('href="/admin/files"');
    expect(await steward.read('/admin/files')).toContain('&lt;b&gt;très cool.jpg');
  });

  test('one is deleted after a question', async () => {
    expect(await admin.read(`/admin/files/${ID}/delete`)).toContain('Delete this file?');
    const answer = await admin.submit(`/admin/files/${ID}/delete`, { search: JOE });
    expect(answer.headers.get('location')).toBe('/admin/files?search=joe%40falcot.com');
    expect(await admin.read('/admin/files')).toMatch(/is deleted[\s\S]*There are no files/);
    expect((await admin.get(`/admin/files/${ID}/delete`)).status).toBe(404);
  });
});
