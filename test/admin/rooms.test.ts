/** The page on what was said in a room. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RoomService } from '../../src/operations/room-service.ts';
import { noRooms } from '../support/rooms.ts';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const ROOM = 'lobby@conference.falcot.com';
const SAID = {
  account: 'joe@falcot.com',
  nick: 'joe',
  at: 1_780_000_000_000,
  kind: 'message',
} as const;

describe('what was said in a room', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  /** What the rooms were asked. */
  let asked: unknown[];

  beforeEach(async () => {
    asked = [];
    const rooms: RoomService = {
      ...noRooms,
      async history(_, wish) {
        asked.push(wish);
        const messages = [
          { ...SAID, id: 'b', text: 'a <raven>' },
          { ...SAID, id: 'a', text: 'rude', kind: 'retracted' as const },
        ];
        return { ok: true, messages, older: 'a', canSearch: true };
      },
      async moderate(...parts) {
        asked.push(parts);
        return { ok: true };
      },
      async purge(...parts) {
        asked.push(parts);
        return 1;
      },
    };
    console = await startConsole({ accounts: [ADMIN], rooms });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
  });
  afterEach(() => console.stop());

  const path = (action: string) => `/admin/rooms/at/${encodeURIComponent(ROOM)}/${action}`;

  test('is read page by page, which the audit log tells', async () => {
    const page = await admin.read(path('history'));
    for (const text of ['a &lt;raven&gt;', 'Taken back', 'joe@falcot.com'])
      expect(page).toContain(text);
    expect(page).toContain(`${path('history')}?before=a`);
    await admin.read(`${path('history')}?before=a`);
    expect(asked).toEqual([{ most: 50 }, { before: 'a', most: 50 }]);
    expect(await admin.read('/admin/audit')).toContain('rooms.history');
  });

  test('is searched by a form, and so are older pages of what was found', async () => {
    const found = await admin.submit(path('history'), { search: ' raven ' });
    expect(found.status).toBe(200);
    const page = await found.text();
    expect(page).toContain('name="before" value="a"');
    expect(page).not.toContain('?before=');
    await admin.submit(path('history'), { search: 'raven', before: 'a' });
    expect(asked.filter((wish) => String(JSON.stringify(wish)).includes('raven'))).toEqual([
      { text: 'raven', most: 50 },
      { text: 'raven', before: 'a', most: 50 },
    ]);
  });

  test('is taken back, with a reason', async () => {
    expect(await admin.read(path('moderate?id=b&nick=joe'))).toContain('name="id" value="b"');
    const answer = await admin.submit(path('moderate'), { id: 'b', reason: 'Rude' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe(path('history'));
    expect(asked).toEqual([[ROOM, 'b', 'Rude']]);
  });

  test.each(['1e2', '-5', '1.5', ''])(
    'is not forgotten whole when the days to keep are no number: %j',
    async (days) => {
      const answer = await admin.submit(path('purge'), { days });
      expect(answer.status).toBe(422);
      expect(await answer.text()).toContain(`value="${days}" `);
      expect(asked).toEqual([]);
    },
  );

  test('a form that is refused keeps what was typed', async () => {
    const typed = { reason: 'Spam only', venue: 'no @ address' };
    const destroyed = await admin.submit(path('destroy'), typed);
    expect(destroyed.status).toBe(422);
    const page = await destroyed.text();
    for (const text of Object.values(typed)) expect(page).toContain(`value="${text}"`);
    const kicked = await admin.submit(path('kick'), { nick: 'joe', reason: 'Rude' });
    expect(kicked.status).toBe(422);
    expect(await kicked.text()).toContain('value="Rude"');
  });

  test('is nothing in a room that is not there', async () => {
    await console.stop();
    console = await startConsole({ accounts: [ADMIN] });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
    expect((await admin.get(path('history'))).status).toBe(404);
    expect((await admin.submit(path('moderate'), { id: 'b' })).status).toBe(422);
  });
});
