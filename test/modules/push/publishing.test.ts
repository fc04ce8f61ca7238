import { afterEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../../src/jid/jid.ts';
import { outcomeOf } from '../../../src/modules/push/outcome.ts';
import { readStanza } from '../../../src/stanza/stanza.ts';
import { type Element, serialise } from '../../../src/xml/element.ts';
import { parse } from '../../support/scene.ts';
import { type Answer, openAppServer } from './app-server.ts';
import { enabling, JULIET, ROMEO, type Stage, setStage } from './stage.ts';

const BACK_OFF = [30, 60, 120, 240, 480, 960, 1920, 3840, 7680, 14_400, 14_400];

describe('XEP-0357 §7: publishing notifications', () => {
  let stage: Stage;
  /** A user whose phone is away. */
  const begin = async (settings: Record<string, unknown> = {}) => {
    stage = await setStage(settings);
    await (await stage.device('phone')).disconnect();
  };
  afterEach(() => stage.scene.stop());
  const advance = (seconds: number) => stage.scene.clock.advance(seconds * 1000);
  const call = () =>
    stage.juliet.send(
      `<message to='${ROMEO}' type='chat'>` +
        "<propose xmlns='urn:xmpp:jingle-message:0' id='a'/></message>",
    );

  describe('one after the other', () => {
    test('one is on its way at a time; what comes meanwhile is gathered', async () => {
      await begin();
      stage.app.answers = 'silence';
      await stage.say('1');
      const first = await stage.app.next();
      for (const text of ['2', '3', '4']) await stage.say(text);
      await stage.app.nothing();
      await stage.app.reply(first, 'result');
      expect(await stage.app.told()).toBe('message-count=4');
    });

    test('the stories of all that one tells of say what the app server said', async () => {
      await begin();
      stage.app.answers = 'silence';
      await stage.say('1');
      const first = await stage.app.next();
      for (const text of ['2', '3']) await stage.say(text);
      await stage.app.reply(first, 'result');
      const second = await stage.app.next();
      await stage.app.reply(second, 'wait resource-constraint');
      await stage.app.nothing();
      const { tales } = await stage.scene.tales({ jid: bareOf(stage.juliet.jid) });
      const answers = tales.map(({ steps }) =>
        steps.flatMap(({ step }) => (step.kind === 'pushed' ? [step.answer] : [])),
      );
      expect(answers).toEqual([['published'], ['resource-constraint'], ['resource-constraint']]);
    });

    test('after a few the next waits for its time, with all that came till then', async () => {
      await begin({ perMinute: 6 });
      for (const count of [1, 2, 3]) {
        await stage.say();
        expect(await stage.app.told()).toBe(`message-count=${count}`);
        await stage.app.nothing();
      }
      for (let count = 0; count < 50; count += 1) await stage.say();
      advance(9);
      await stage.app.nothing();
      advance(1);
      expect(await stage.app.told()).toBe('message-count=53');
      await stage.app.nothing();
    });

    test('a call does not wait for messages, but for the calls before', async () => {
      await begin({ perMinute: 1 });
      for (let count = 0; count < 4; count += 1) {
        await stage.say();
        await stage.app.nothing().catch(() => stage.app.inbox.splice(0));
      }
      await stage.app.nothing();
      for (const count of [5, 6, 7]) {
        await call();
        expect(await stage.app.told()).toBe(`message-count=${count}`);
        await stage.app.nothing();
      }
      await call();
      await stage.app.nothing();
      advance(10);
      expect(await stage.app.told()).toBe('message-count=8');
    });

    test('a device that comes meanwhile needs no notification', async () => {
      await begin();
      stage.app.answers = 'silence';
      await stage.say();
      const open = await stage.app.next();
      await stage.say();
      const back = await stage.scene.connect(`${ROMEO}/phone`);
      await stage.app.reply(open, 'result');
      advance(600);
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ unseen: 0 }]);
      await back.disconnect();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });
  });

  describe('what is told of a message', () => {
    const told = async (settings: Record<string, unknown>, content: string) => {
      await begin(settings);
      await stage.juliet.send(`<message to='${ROMEO}' type='chat'>${content}</message>`);
      return stage.app.told();
    };
    const ENCRYPTED =
      "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload/></encrypted>" +
      '<body>This is encrypted with OMEMO.</body>';

    test.each([
      ['nothing but that it came', {}, '<body>secret</body>', ''],
      [
        'its sender',
        { sender: true },
        '<body>secret</body>',
        ` last-message-sender=${JULIET}/balcony`,
      ],
      ['a notice', { body: 'notice' }, '<body>secret</body>', ' last-message-body=New message'],
      [
        'a notice of a call',
        { body: 'notice' },
        "<propose xmlns='urn:xmpp:jingle-message:0' id='a'/>",
        ' last-message-body=Incoming call',
      ],
      ['its text', { body: 'text' }, '<body>secret</body>', ' last-message-body=secret'],
      ['no text that is encrypted', { body: 'text' }, ENCRYPTED, ' last-message-body=New message'],
      [
        'a long text in part',
        { body: 'text' },
        `<body>${'x'.repeat(5000)}</body>`,
        ` last-message-body=${'x'.repeat(400)}…`,
      ],
    ])('%s', async (_, settings, content, more) => {
      expect(await told(settings, content)).toBe(`message-count=1${more}`);
    });
  });

  describe('§7.1 errors', () => {
    test('what is refused is not tried again, and kept to be looked at', async () => {
      await begin();
      stage.app.answers = 'cancel item-not-found';
      await stage.say();
      await stage.app.next();
      await stage.app.nothing();
      await stage.say();
      advance(86_400);
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ failures: 1, ended: expect.any(Number) }]);
    });

    test('a client can enable it anew', async () => {
      await begin();
      stage.app.answers = 'auth forbidden';
      await stage.say();
      await stage.app.next();
      await stage.app.nothing();
      stage.app.answers = 'result';
      await (await stage.device('phone')).disconnect();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ failures: 0, ended: null }]);
    });

    test('what may pass is tried again, after longer and longer pauses, till it is enough', async () => {
      await begin();
      stage.app.answers = 'wait resource-constraint';
      await stage.say();
      for (const seconds of BACK_OFF) {
        expect(await stage.app.told()).toBe('message-count=1');
        await stage.app.nothing();
        advance(seconds - 1);
        await stage.app.nothing();
        advance(1);
      }
      await stage.app.next();
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ failures: 12, ended: expect.any(Number) }]);
      advance(86_400);
      await stage.say();
      await stage.app.nothing();
    });

    test('what comes meanwhile waits for the next try; a success makes all good', async () => {
      await begin();
      stage.app.answers = 'cancel internal-server-error';
      await stage.say();
      await stage.app.next();
      await stage.app.nothing();
      await stage.say();
      await call();
      await stage.app.nothing();
      stage.app.answers = 'result';
      advance(30);
      expect(await stage.app.told()).toBe('message-count=3');
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ failures: 0, unseen: 3 }]);
    });

    test('no answer is a failure, too', async () => {
      await begin();
      stage.app.answers = 'silence';
      await stage.say();
      await stage.app.next();
      advance(60);
      await stage.app.nothing();
      advance(30);
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('nor is it tried again once the device is here', async () => {
      await begin();
      stage.app.answers = 'wait resource-constraint';
      await stage.say();
      await stage.app.next();
      await stage.app.nothing();
      await stage.scene.connect(`${ROMEO}/phone`);
      advance(86_400);
      await stage.app.nothing();
    });

    test('a refusal that comes late does not end what was enabled anew', async () => {
      await begin();
      stage.app.answers = 'silence';
      await stage.say();
      const open = await stage.app.next();
      stage.scene.clock.advance(1);
      const phone = await stage.device('phone');
      await stage.app.reply(open, 'cancel item-not-found');
      stage.app.answers = 'result';
      await phone.disconnect();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('five that ended are remembered, the latest', async () => {
      await begin();
      stage.app.answers = 'cancel item-not-found';
      for (let count = 0; count < 8; count += 1) {
        const phone = await stage.device(`phone-${count}`);
        await phone.disconnect();
        await stage.say();
        await stage.app.next();
        await stage.app.nothing().catch(() => stage.app.inbox.splice(0));
        advance(1);
      }
      const names = (await stage.rows()).map(({ node }) => node).sort();
      expect(names).toEqual(['phone-3', 'phone-4', 'phone-5', 'phone-6', 'phone-7']);
    });

    test.each<[Answer | 'none', string]>([
      ['none', 'failed'],
      ['result', 'published'],
      ['wait service-unavailable', 'failed'],
      ['cancel service-unavailable', 'refused'],
      ['cancel remote-server-not-found', 'failed'],
      ['wait remote-server-timeout', 'failed'],
      ['cancel internal-server-error', 'failed'],
      ['cancel item-not-found', 'refused'],
      ['auth forbidden', 'refused'],
      ['modify bad-request', 'refused'],
      ['nonsense item-not-found', 'refused'],
      ['wait nonsense', 'failed'],
      ['cancel nonsense', 'refused'],
    ])('an answer of %s is taken as %s', (answer, kind) => {
      expect(outcomeOf(answer === 'none' ? undefined : answerOf(answer)).kind).toBe(kind);
    });

    test('what the app server says is kept in part, and in one line', () => {
      const text =
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>No\n\tsuch  node. " +
        `${'x'.repeat(1000)}</text>`;
      const outcome = outcomeOf(answerOf('cancel item-not-found', text));
      expect(outcome.text).toMatch(/^item-not-found: No such node\. x{186}…$/);
    });
  });

  test('one app server does not wait for another', async () => {
    await begin();
    const other = openAppServer(stage.scene, 'push.other.example');
    const tablet = await stage.scene.connect(`${ROMEO}/tablet`);
    await tablet.ask('set', enabling('tablet', other.domain));
    await tablet.disconnect();
    stage.app.answers = 'silence';
    await stage.say();
    await stage.app.next();
    expect(await other.told()).toBe('message-count=1');
    await stage.say();
    expect(await other.told()).toBe('message-count=2');
    await stage.app.nothing();
  });
});

/** An answer as it comes in. */
function answerOf(answer: Answer, more = '') {
  const [type, condition] = answer.split(' ');
  const error = `<error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${more}</error>`;
  const xml =
    answer === 'result'
      ? "<iq type='result' id='a' to='montague.example'/>"
      : `<iq type='error' id='a' to='montague.example'>${error}</iq>`;
  const element: Element = parse(xml);
  const read = readStanza(element, { from: 'push.example' as never, defaultTo: undefined });
  if (!read.ok || read.stanza.kind !== 'iq') throw new Error(serialise(element));
  return read.stanza;
}
