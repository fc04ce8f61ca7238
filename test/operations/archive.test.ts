import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Actor } from '../support/scene.ts';
import { type Desk, setDesk } from './support.ts';

const JO = 'jo@falcot.com';
const ANNA = 'anna@falcot.com';
const DAY = 86_400_000;

describe('operations on archives', () => {
  let desk: Desk;
  let jo: Actor;
  let begun: number;

  beforeEach(async () => {
    desk = await setDesk([JO, ANNA]);
    jo = await desk.scene.connect(`${JO}/desk`);
    const anna = await desk.scene.connect(`${ANNA}/phone`);
    await anna.send('<presence/>');
    begun = desk.scene.clock.now();
  });
  afterEach(() => desk.stop());

  const say = (body: string) =>
    jo.send(`<message to='${ANNA}' type='chat'><body>${body}</body></message>`);
  const audited = async () =>
    (await desk.audit.list({ limit: 10 })).map(({ operation, input, outcome }) => [
      operation,
      input,
      outcome,
    ]);

  describe('archive.show', () => {
    const empty = {
      jid: JO,
      messages: 0,
      kept: 'for good, as its host has it',
      keepDays: 0,
      ownTerm: false,
      default: 'always',
      always: 0,
      never: 0,
      ownPreferences: false,
    };

    test('tells of an empty archive', async () => {
      expect(await desk.value('archive.show', { jid: JO })).toEqual(empty);
      expect(await audited()).toEqual([]);
    });

    test('tells how much there is, and what the user wants', async () => {
      await say('one');
      desk.scene.clock.advance(DAY);
      await say('two');
      await jo.ask(
        'set',
        `<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>${ANNA}</jid></always></prefs>`,
      );
      expect(await desk.value('archive.show', { jid: JO })).toEqual({
        ...empty,
        messages: 2,
        oldest: begun,
        newest: begun + DAY,
        default: 'never',
        always: 1,
        ownPreferences: true,
      });
    });
  });

  describe('archive.search', () => {
    test('finds messages, the newest first, and is in the audit log', async () => {
      for (const body of ['the lark', 'the nightingale', 'a lark']) await say(body);
      const { messages } = await desk.value('archive.search', {
        jid: ANNA,
        text: 'lark',
        limit: 5,
      });
      const parties = { at: begun, from: `${JO}/desk`, to: ANNA };
      expect(messages).toEqual([
        { ...parties, text: 'a lark' },
        { ...parties, text: 'the lark' },
      ]);
      expect(await audited()).toEqual([
        ['archive.search', '{"jid":"anna@falcot.com","text":"lark","limit":5}', 'done'],
      ]);
    });

    test('gives no more than it is asked for, and nothing where there is nothing', async () => {
      for (const body of ['lark 1', 'lark 2']) await say(body);
      const found = async (text: string) =>
        (await desk.value('archive.search', { jid: JO, text, limit: 1 }))['messages'];
      expect(await found('lark')).toMatchObject([{ text: 'lark 2' }]);
      expect(await found('raven')).toEqual([]);
      expect(await found('!')).toEqual([]);
    });
  });

  describe('archive.purge', () => {
    const bodies = async () => {
      const { messages } = await desk.value('archive.search', { jid: JO, text: 'word' });
      return (messages as { text: string }[]).map(({ text }) => text);
    };

    test('removes what is older than some days', async () => {
      await say('word old');
      desk.scene.clock.advance(3 * DAY);
      await say('word new');
      expect(await desk.value('archive.purge', { jid: JO, days: 2 })).toEqual({
        jid: JO,
        removed: 1,
      });
      expect(await bodies()).toEqual(['word new']);
      expect(await desk.value('archive.show', { jid: ANNA })).toMatchObject({ messages: 2 });
    });

    test('removes all, however many, and is in the audit log', async () => {
      const sent = Array.from({ length: 600 }, (_, index) => say(`word ${index}`));
      await Promise.all(sent);
      expect(await desk.value('archive.purge', { jid: JO })).toEqual({ jid: JO, removed: 600 });
      expect(await bodies()).toEqual([]);
      expect((await audited()).at(-1)).toEqual([
        'archive.purge',
        `{"jid":"${JO}","days":0}`,
        'done',
      ]);
    });
  });

  describe('archive.retention', () => {
    test.each([
      [0, 'for good, set for this account'],
      [1, 'for a day, set for this account'],
      [30, 'for 30 days, set for this account'],
    ])('sets it to %i days, and back to what the host has', async (days, kept) => {
      expect(await desk.value('archive.retention', { jid: JO, days })).toEqual({
        jid: JO,
        keepDays: days,
        kept,
      });
      expect(await desk.value('archive.show', { jid: JO })).toMatchObject({ kept, ownTerm: true });
      expect(await desk.value('archive.retention', { jid: JO })).toMatchObject({
        kept: 'for good, as its host has it',
      });
    });

    test('refuses a term that is none', async () => {
      expect(await desk.refusal('archive.retention', { jid: JO, days: -1 })).toMatch(/days: /);
    });
  });

  test.each(['archive.show', 'archive.search', 'archive.purge', 'archive.retention'])(
    '%s tells of an account that does not exist',
    async (name) => {
      const said = await desk.refusal(name, { jid: 'joe@falcot.com', text: 'x' });
      expect(said).toBe('not-found: There is no joe@falcot.com; did you mean jo@falcot.com?');
    },
  );

  test('where the archive is switched off, they say so', async () => {
    const { archives } = desk.services;
    Object.assign(archives, { isOn: () => false });
    expect(await desk.refusal('archive.show', { jid: JO })).toBe(
      'unavailable: Messages are not archived on falcot.com: the module archive is off there.',
    );
    Object.assign(archives, { isOn: () => true, search: async () => undefined });
    expect(await desk.refusal('archive.search', { jid: JO, text: 'x' })).toBe(
      'unavailable: Archives of falcot.com cannot be searched: the module fulltext is off there.',
    );
  });
});
