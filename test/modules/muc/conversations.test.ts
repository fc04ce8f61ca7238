/** Conversations with visitors, beside rooms that others have given similar names. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BareJid } from '../../../src/jid/jid.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import { CHAT, type House, makeRoom, openHouse } from './house.ts';

const LOBBY = `support_desk@${CHAT}` as BareJid;
const TEAM = `support_desk-team@${CHAT}`;

let house: House;
beforeEach(async () => {
  house = await openHouse();
  await makeRoom(house.crone1, 'firstwitch', { membersonly: '1', persistentroom: '1' }, LOBBY);
});
afterEach(() => house.scene.stop());

const service = () => house.scene.registry.apiOf(muc);
const open = (most: number) =>
  service().conversations.open(LOBBY, { visitor: 'Visitor 1234', most });
/** A room of the house that nobody is in. */
const leaveEmpty = async (room: string, fields: Readonly<Record<string, string>> = {}) => {
  await makeRoom(house.hag66, 'thirdwitch', { persistentroom: '1', ...fields }, room);
  await house.hag66.send(`<presence to='${room}/thirdwitch' type='unavailable'/>`);
};

test('no more are open than may be, whatever the lobby is called', async () => {
  expect((await open(2)).ok).toBe(true);
  expect((await open(2)).ok).toBe(true);
  expect(await open(2)).toEqual({ ok: false, why: 'full' });
});

test('those that nobody is in end, and no other room does', async () => {
  const made = await open(5);
  if (!made.ok) expect.fail(made.why);
  await leaveEmpty(TEAM);
  house.scene.clock.advance(1000);
  const now = house.scene.clock.now();
  expect(await service().conversations.sweep(LOBBY, now)).toBe(1);
  expect(await service().show(made.jid)).toBeUndefined();
  expect(await service().show(TEAM as BareJid)).toBeDefined();
  expect(await service().conversations.state(TEAM as BareJid, LOBBY)).toBe('none');
});

test('rooms that are named like them take no place from visitors', async () => {
  await leaveEmpty(TEAM);
  await leaveEmpty(`other@${CHAT}`, { roomname: 'support_desk-' });
  expect((await open(1)).ok).toBe(true);
});

test('rooms are found by a part of their names, in which no letter stands for others', async () => {
  await leaveEmpty(`support-desk@${CHAT}`);
  const find = async (search: string) => {
    const all = { domain: undefined, host: undefined, offset: 0, limit: 10 };
    return (await service().list({ ...all, search })).rooms.map(({ jid }) => jid);
  };
  expect(await find('t_d')).toEqual([LOBBY]);
  expect(await find('%')).toEqual([]);
});
