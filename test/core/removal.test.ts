import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineModule } from '../../src/core/module.ts';
import { type BareJid, bareOf } from '../../src/jid/jid.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

/** What modules heard, in order. */
let heard: string[] = [];
let isBroken = false;
const listener = (name: string) =>
  defineModule({
    name,
    specs: [],
    setup: ({ sessions, accounts }) => ({
      hooks: {
        sessionEnded: (session) => void heard.push(`${name} ended ${session.jid}`),
        async accountRemoved(account) {
          const isThere = await accounts.exists(account);
          heard.push(`${name} removed ${account} ${sessions.of(account).length} ${isThere}`);
          if (isBroken) throw new Error('the disk is full');
        },
      },
    }),
  });

describe('the removal of an account', () => {
  let scene: Scene;
  let balcony: Actor;
  let chamber: Actor;
  let juliet: BareJid;
  beforeEach(async () => {
    heard = [];
    isBroken = false;
    scene = await startScene({
      modules: [listener('on'), listener('off')],
      accounts: ['juliet@capulet.example', 'nurse@capulet.example'],
      settings: { off: false },
    });
    balcony = await scene.connect('juliet@capulet.example/balcony');
    chamber = await scene.connect('juliet@capulet.example/chamber');
    juliet = bareOf(balcony.jid);
  });
  afterEach(() => scene.stop());

  test('its sessions end, then all modules forget it, then it is gone', async () => {
    expect(await scene.registry.removeAccount(juliet, 'gone')).toBe(true);
    expect([balcony.endedWith, chamber.endedWith]).toEqual(['not-authorized', 'not-authorized']);
    expect(heard).toEqual([
      'on ended juliet@capulet.example/balcony',
      'on ended juliet@capulet.example/chamber',
      'on removed juliet@capulet.example 0 true',
      'off removed juliet@capulet.example 0 true', // switched off: it may have kept something before
    ]);
    expect(await scene.accounts.exists(juliet)).toBe(false);
    expect(await scene.accounts.checkPassword(juliet, 'secret')).toBe(false);
  });

  test('who asked for it ends by himself, but is among the sessions no more', async () => {
    await scene.registry.removeAccount(juliet, 'gone', balcony.session);
    expect([balcony.endedWith, chamber.endedWith]).toEqual([undefined, 'not-authorized']);
    expect(scene.sessions.of(juliet)).toEqual([]);
  });

  test('an account that does not exist is not removed, and nobody hears of it', async () => {
    await scene.registry.removeAccount(juliet, 'gone');
    heard = [];
    expect(await scene.registry.removeAccount(juliet, 'gone')).toBe(false);
    expect(heard).toEqual([]);
  });

  test('half an account is locked, and the removal can be repeated', async () => {
    isBroken = true;
    const attempt = scene.registry.removeAccount(juliet, 'gone', balcony.session);
    await expect(attempt).rejects.toThrow('the disk is full');
    expect(balcony.endedWith).toBe('reset');
    expect(await scene.accounts.get(juliet)).toMatchObject({ isLocked: true });
    isBroken = false;
    expect(await scene.registry.removeAccount(juliet, 'gone')).toBe(true);
    expect(await scene.accounts.exists(juliet)).toBe(false);
  });
});
