import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ping } from '../../src/modules/ping.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const PING = "<ping xmlns='urn:xmpp:ping'/>";

describe('XEP-0199: XMPP Ping', () => {
  let scene: Scene;
  let juliet: Actor;
  beforeEach(async () => {
    const accounts = ['juliet@capulet.lit', 'nurse@capulet.lit'];
    scene = await startScene({ modules: [ping], accounts });
    juliet = await scene.connect('juliet@capulet.lit/balcony');
  });
  afterEach(() => scene.stop());

  test('§4.2 the server answers', async () => {
    const pong = await juliet.ask('get', PING, 'capulet.lit');
    expect(pong.attrs).toMatchObject({ from: 'capulet.lit', to: juliet.jid, type: 'result' });
    expect(resultIn(pong)).toBe('');
  });

  test('§4.2 so it does without an address, and for the own account', async () => {
    expect((await juliet.ask('get', PING)).attrs).toMatchObject({ type: 'result' });
    const pong = await juliet.ask('get', PING, 'juliet@capulet.lit');
    expect(pong.attrs).toMatchObject({ from: 'juliet@capulet.lit', type: 'result' });
  });

  test('RFC 6120 §13.11 another account tells no more than one that does not exist', async () => {
    const other = await juliet.ask('get', PING, 'nurse@capulet.lit');
    const nobody = await juliet.ask('get', PING, 'mercutio@capulet.lit');
    expect([conditionIn(other), conditionIn(nobody)]).toEqual([
      'service-unavailable',
      'service-unavailable',
    ]);
  });

  test('§9 a resource that is not there is unavailable, in its own name', async () => {
    const answer = await juliet.ask('get', PING, 'nurse@capulet.lit/kitchen');
    expect(conditionIn(answer)).toBe('service-unavailable');
    expect(answer.attrs.from).toBe('nurse@capulet.lit/kitchen');
  });

  test('§4.4 a client is pinged by another', async () => {
    const nurse = await scene.connect('nurse@capulet.lit/kitchen');
    const answer = juliet.ask('get', PING, nurse.jid);
    const asked = await nurse.next();
    expect(resultIn(asked)).toContain('urn:xmpp:ping');
    await nurse.send(`<iq type='result' id='${asked.attrs.id}' to='${juliet.jid}'/>`);
    expect((await answer).attrs).toMatchObject({ from: nurse.jid, type: 'result' });
  });

  test('a ping is a get', async () => {
    expect(conditionIn(await juliet.ask('set', PING, 'capulet.lit'))).toBe('service-unavailable');
  });
});
