/** XEP-0441: Message Archive Management Preferences. */
import { afterEach, describe, expect, test } from 'vitest';
import { childOf, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  archiveScene,
  askArchive,
  errorIn,
  JULIET,
  MAM,
  NURSE,
  ROMEO,
  stanzaIdBy,
  takeMessages,
} from './support.ts';

describe('XEP-0441: preferences', () => {
  let scene: Scene;
  let juliet: Actor;
  let romeo: Actor;

  const begin = async (archive: Record<string, unknown> = {}) => {
    scene = await archiveScene({ archive });
    juliet = await scene.connect(`${JULIET}/balcony`);
    romeo = await scene.connect(`${ROMEO}/orchard`);
    await juliet.send('<presence/>');
    juliet.inbox.splice(0);
  };
  afterEach(() => scene.stop());

  const prefs = (behaviour: string, always: string[] = [], never: string[] = []) => {
    const list = (name: string, jids: string[]) =>
      `<${name}>${jids.map((jid) => `<jid>${jid}</jid>`).join('')}</${name}>`;
    return `<prefs xmlns='${MAM}' default='${behaviour}'>${list('always', always)}${list('never', never)}</prefs>`;
  };
  const get = (actor = juliet) => actor.ask('get', `<prefs xmlns='${MAM}'/>`);
  const set = (xml: string, actor = juliet) => actor.ask('set', xml);
  const say = (actor: Actor, to: string, body: string) =>
    actor.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
  const bodies = async (actor = juliet) => (await askArchive(actor)).bodies;
  const inside = (answer: Parameters<typeof childOf>[0]) => {
    const element = childOf(answer, 'prefs', MAM);
    return element && serialise(element);
  };

  test('§2.1 Examples 1, 2: what is in force, with both lists though they are empty', async () => {
    await begin({ default: 'roster' });
    expect(inside(await get())).toBe(
      `<prefs xmlns="${MAM}" default="roster"><always/><never/></prefs>`,
    );
  });

  test('§2.1 Examples 4, 5: what is set is answered, and lasts', async () => {
    await begin();
    const wanted =
      `<prefs xmlns="${MAM}" default="roster"><always><jid>${ROMEO}</jid></always>` +
      '<never><jid>montague@montague.example</jid></never></prefs>';
    const sent = prefs(
      'roster',
      [ROMEO],
      ['Montague@montague.example', 'montague@montague.example'],
    );
    expect(inside(await set(sent))).toBe(wanted);
    expect(inside(await get())).toBe(wanted);
    expect(inside(await get(romeo))).toContain('default="always"');
    expect(inside(await set(`<prefs xmlns='${MAM}' default='never'/>`))).toBe(
      `<prefs xmlns="${MAM}" default="never"><always/><never/></prefs>`,
    );
  });

  test('§2.1.1 always, and by the config never or roster', async () => {
    await begin({ default: 'never' });
    await say(romeo, JULIET, 'x');
    expect(await bodies()).toEqual([]);
    expect(await bodies(romeo)).toEqual([]);
    const [message] = takeMessages(juliet);
    expect(message && stanzaIdBy(message, JULIET)).toBeUndefined();
    await set(prefs('always'));
    await say(romeo, JULIET, 'y');
    expect(await bodies()).toEqual(['y']);
  });

  test('§2.1.1 roster: contacts of the account, in both directions, and its own notes', async () => {
    await begin();
    await set(prefs('roster'));
    const exchange = async (count: string) => {
      await say(romeo, JULIET, `in ${count}`);
      await say(juliet, `${ROMEO}/orchard`, `out ${count}`);
    };
    await exchange('1');
    await say(juliet, JULIET, 'note');
    expect(await bodies()).toEqual(['note']);
    await juliet.ask('set', `<query xmlns='jabber:iq:roster'><item jid='${ROMEO}'/></query>`);
    await exchange('2');
    expect(await bodies()).toEqual(['note', 'in 2', 'out 2']);
    await juliet.ask(
      'set',
      `<query xmlns='jabber:iq:roster'><item jid='${ROMEO}' subscription='remove'/></query>`,
    );
    await exchange('3');
    expect(await bodies()).toEqual(['note', 'in 2', 'out 2']);
  });

  test('§2.1.1 roster: one who only asks for a subscription is not in it', async () => {
    await begin();
    await set(prefs('roster'));
    await romeo.send(`<presence to='${JULIET}' type='subscribe'/>`);
    await say(romeo, JULIET, 'x');
    expect(await bodies()).toEqual([]);
  });

  describe('§2.3 addresses on the lists', () => {
    test('§2.1.2, §2.1.3 are above the default, in both directions', async () => {
      await begin();
      await set(prefs('never', [ROMEO]));
      await say(romeo, JULIET, '1');
      await say(juliet, ROMEO, '2');
      await say(juliet, NURSE, '3');
      expect(await bodies()).toEqual(['1', '2']);
      await set(prefs('always', [], [ROMEO]));
      await say(romeo, JULIET, '4');
      await say(juliet, ROMEO, '5');
      await say(juliet, NURSE, '6');
      expect(await bodies()).toEqual(['1', '2', '6']);
    });

    test('§2.3.1 a bare JID stands for all of its resources, a full one for itself', async () => {
      await begin();
      const phone = await scene.connect(`${ROMEO}/phone`);
      await set(prefs('always', [`${ROMEO}/phone`], [ROMEO]));
      await say(romeo, JULIET, '1');
      await say(phone, JULIET, '2');
      await say(juliet, ROMEO, '3'); // §2.3.2: the address as it is in `to`
      await say(juliet, `${ROMEO}/phone`, '4');
      expect(await bodies()).toEqual(['2', '4']);
    });

    test('one on both lists is not archived', async () => {
      await begin();
      await set(prefs('always', [ROMEO], [ROMEO]));
      await say(romeo, JULIET, '1');
      expect(await bodies()).toEqual([]);
    });

    test('say nothing of the other side’s archive', async () => {
      await begin();
      await set(prefs('never'));
      await say(romeo, JULIET, '1');
      expect(await bodies(romeo)).toEqual(['1']);
    });
  });

  test.each([
    ['§2.1.1 no default', `<prefs xmlns='${MAM}'/>`, 'bad-request'],
    ['§2.1.1 another default', `<prefs xmlns='${MAM}' default='sometimes'/>`, 'bad-request'],
    [
      'a list twice',
      `<prefs xmlns='${MAM}' default='always'><never/><never/></prefs>`,
      'bad-request',
    ],
    [
      'an address that is none',
      `<prefs xmlns='${MAM}' default='always'><never><jid>@</jid></never></prefs>`,
      'jid-malformed',
    ],
    [
      'too many addresses',
      `<prefs xmlns='${MAM}' default='always'><always><jid>a@b</jid><jid>c@b</jid></always><never><jid>d@b</jid></never></prefs>`,
      'policy-violation',
    ],
  ])('%s is refused, and changes nothing', async (_, xml, condition) => {
    await begin({ maxListed: 2 });
    await set(prefs('roster'));
    expect(errorIn(await set(xml))).toBe(condition);
    expect(inside(await get())).toContain('default="roster"');
  });

  test('§2.1 where the admin decides, users are told so', async () => {
    await begin({ preferences: false, default: 'always' });
    expect(errorIn(await set(prefs('never')))).toBe('not-allowed');
    expect(inside(await get())).toContain('default="always"');
  });

  test('guests have none', async () => {
    await begin();
    Object.assign(juliet.session, { isAnonymous: true });
    expect(inside(await get())).toBe(
      `<prefs xmlns="${MAM}" default="never"><always/><never/></prefs>`,
    );
    expect(errorIn(await set(prefs('always')))).toBe('forbidden');
  });
});
