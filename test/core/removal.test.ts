import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defineModule } from '../../src/core/module.ts';
import { type BareJid, bareOf } from '../../src/jid/jid.ts';
import { archive } from '../../src/modules/archive/index.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
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
      'on removed juliet@capulet.example 0 false', // for all others it is not there any more
      'off removed juliet@capulet.example 0 false', // switched off: it may have kept something before
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

  test('who writes to it meanwhile is told that there is nobody, and nothing is kept', async () => {
    const slow = defineModule({
      name: 'slow',
      specs: [],
      setup: () => ({ hooks: { accountRemoved: () => say() } }),
    });
    const stage = await startScene({
      modules: [roster, presence, archive, offline, slow],
      accounts: ['juliet@capulet.example', 'nurse@capulet.example'],
    });
    const nurse = await stage.connect('nurse@capulet.example/cell');
    const say = () =>
      nurse.send("<message to='juliet@capulet.example' type='chat'><body>Hist!</body></message>");
    await stage.registry.removeAccount(juliet, 'gone');
    expect(conditionIn(await nurse.next())).toBe('service-unavailable');
    await stage.accounts.create(juliet, 'secret');
    const another = await stage.connect('juliet@capulet.example/balcony');
    const fin = resultIn(await another.ask('set', "<query xmlns='urn:xmpp:mam:2'/>"));
    expect(fin).toContain('<count>0</count>');
    await another.send('<presence/>');
    expect(another.inbox.filter(({ name }) => name === 'message')).toEqual([]);
    await stage.stop();
  });

  test('half an account is locked, and the removal can be repeated', async () => {
    isBroken = true;
    const attempt = scene.registry.removeAccount(juliet, 'gone', balcony.session);
    await expect(attempt).rejects.toThrow('the disk is full');
    expect(balcony.endedWith).toBe('reset');
    expect(await scene.accounts.get(juliet)).toMatchObject({ isLocked: true });
    expect(await scene.accounts.exists(juliet)).toBe(true);
    isBroken = false;
    expect(await scene.registry.removeAccount(juliet, 'gone')).toBe(true);
    expect(await scene.accounts.exists(juliet)).toBe(false);
  });
});
