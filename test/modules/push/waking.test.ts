import { afterEach, describe, expect, test } from 'vitest';
import { serialise } from '../../../src/xml/element.ts';
import type { Actor } from '../../support/scene.ts';
import { enabling, JULIET, ROMEO, type Stage, setAttached, setStage, withhold } from './stage.ts';

const PATIENCE = 10_000;

describe('XEP-0357 §7: what warrants a notification', () => {
  let stage: Stage;
  const begin = async (settings: Record<string, unknown> = {}) => {
    stage = await setStage(settings);
  };
  afterEach(() => stage.scene.stop());

  const CALL = "<propose xmlns='urn:xmpp:jingle-message:0' id='a'/><store xmlns='urn:xmpp:hints'/>";
  const OMEMO =
    "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload/></encrypted>";
  const BODY = '<body>x</body>';

  describe('who has no session is told of', () => {
    test.each([
      ['a chat message', "type='chat'", BODY],
      ['a normal message', '', BODY],
      ['an encrypted one without a body', "type='chat'", OMEMO],
      ['a call', "type='chat'", CALL],
      ['a call to a conference', '', "<invite xmlns='urn:xmpp:call-invites:0' id='a'/>"],
      ['an invitation', '', "<x xmlns='jabber:x:conference' jid='hall@conference.example'/>"],
      [
        'one that another server delayed',
        '',
        `${BODY}<delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2026-01-01T00:00:00Z'/>`,
      ],
    ])('%s', async (_, attrs, content) => {
      await begin();
      await (await stage.device('phone')).disconnect();
      await stage.juliet.send(`<message to='${ROMEO}' ${attrs}>${content}</message>`);
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('one to a resource that is gone', async () => {
      await begin();
      await (await stage.device('phone')).disconnect();
      await stage.say('x', `${ROMEO}/gone`);
      expect(await stage.app.told()).toBe('message-count=1');
    });
  });

  describe('nobody is told of', () => {
    test.each([
      ['a chat state', "type='chat'", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"],
      ['a receipt', '', "<received xmlns='urn:xmpp:receipts' id='m'/>"],
      ['a marker', '', "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>"],
      ['a reaction', "type='chat'", `${BODY}<reactions xmlns='urn:xmpp:reactions:0' id='m'/>`],
      [
        'a correction',
        "type='chat'",
        `${BODY}<replace xmlns='urn:xmpp:message-correct:0' id='m'/>`,
      ],
      [
        'a retraction',
        "type='chat'",
        `${BODY}<retract xmlns='urn:xmpp:message-retract:1' id='m'/>`,
      ],
      ['the end of a call', "type='chat'", CALL.replace('propose', 'retract')],
      ['an OMEMO key exchange', "type='chat'", OMEMO.replace('<payload/>', '')],
      ['a headline', "type='headline'", BODY],
      ['an error', "type='error'", BODY],
      ['what is not stored', "type='chat'", `${BODY}<no-store xmlns='urn:xmpp:hints'/>`],
      [
        'what has waited here',
        '',
        `${BODY}<delay xmlns='urn:xmpp:delay' from='montague.example' stamp='2026-01-01T00:00:00Z'/>`,
      ],
    ])('%s', async (_, attrs, content) => {
      await begin();
      await (await stage.device('phone')).disconnect();
      await stage.juliet.send(`<message to='${ROMEO}' ${attrs}>${content}</message>`);
      await stage.app.nothing();
    });

    test('what he wrote himself', async () => {
      await begin();
      await (await stage.device('phone')).disconnect();
      const laptop = await stage.scene.connect(`${ROMEO}/laptop`);
      await laptop.send(`<message to='${ROMEO}' type='chat'>${BODY}</message>`);
      await stage.app.nothing();
    });
  });

  describe('which device is woken', () => {
    test('one without a session, though another has the message', async () => {
      await begin();
      const laptop = await stage.device('laptop');
      await (await stage.device('phone')).disconnect();
      await stage.say();
      expect(laptop.inbox.map(({ name }) => name)).toContain('message');
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
    });

    test('one that is connected is not, whatever it is sent', async () => {
      await begin();
      const phone = await stage.device('phone');
      await stage.say();
      await stage.say('again', phone.jid);
      stage.scene.clock.advance(PATIENCE);
      await stage.app.nothing();
    });

    test('one whose session has no client now', async () => {
      await begin();
      const phone = await stage.device('phone');
      withhold(phone);
      setAttached(stage, phone, false);
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('also for a message to another device, of which it would have a copy', async () => {
      await begin();
      const laptop = await stage.device('laptop');
      setAttached(stage, await stage.device('phone'), false);
      await stage.say('x', laptop.jid);
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('one that is connected but does not acknowledge in time', async () => {
      await begin();
      const phone = await stage.device('phone');
      const acknowledge = withhold(phone);
      await stage.say();
      stage.scene.clock.advance(PATIENCE / 2);
      await stage.say();
      acknowledge();
      stage.scene.clock.advance(PATIENCE);
      await stage.app.nothing();
      await stage.say();
      stage.scene.clock.advance(PATIENCE - 1);
      await stage.app.nothing();
      stage.scene.clock.advance(1);
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test.each([true, false])(
      'one at which nobody looks, sooner; whether it ever acknowledges: %s',
      async (isManaged) => {
        await begin();
        const phone = await stage.device('phone');
        Object.assign(phone.session, { isActive: false, isManaged });
        const acknowledge = withhold(phone);
        await stage.say();
        stage.scene.clock.advance(2999);
        acknowledge();
        stage.scene.clock.advance(1);
        await stage.app.nothing();
        await stage.say();
        stage.scene.clock.advance(3000);
        expect(await stage.app.told()).toBe('message-count=1');
      },
    );

    test('one that was given a carbon copy and does not acknowledge it', async () => {
      await begin();
      const laptop = await stage.device('laptop');
      const phone = await stage.device('phone');
      await phone.ask('set', "<enable xmlns='urn:xmpp:carbons:2'/>");
      withhold(phone);
      await stage.say('x', laptop.jid);
      stage.scene.clock.advance(PATIENCE);
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
    });

    test('one that falls asleep before it acknowledged, at once', async () => {
      await begin();
      const phone = await stage.device('phone');
      withhold(phone);
      await stage.say();
      await stage.say();
      setAttached(stage, phone, false);
      expect(await stage.app.told()).toBe('message-count=2');
      await stage.app.nothing();
    });

    test('one that does not acknowledge at all is not suspected while it is connected', async () => {
      await begin();
      const phone = await stage.device('phone');
      Object.assign(phone.session, { isManaged: false });
      withhold(phone);
      await stage.say();
      stage.scene.clock.advance(5 * PATIENCE);
      await stage.app.nothing();
      await phone.disconnect({ kind: 'lost', text: 'the connection broke' });
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('one whose connection is lost before it acknowledged', async () => {
      await begin();
      const phone = await stage.device('phone');
      withhold(phone);
      await stage.say();
      await phone.disconnect({ kind: 'lost', text: 'the connection broke' });
      expect(await stage.app.told()).toBe('message-count=1');
      stage.scene.clock.advance(PATIENCE);
      await stage.app.nothing();
    });

    test('not for what was acknowledged before the connection is lost', async () => {
      await begin();
      const phone = await stage.device('phone');
      const acknowledge = withhold(phone);
      await stage.say();
      acknowledge();
      await phone.disconnect({ kind: 'lost', text: 'the connection broke' });
      await stage.app.nothing();
    });

    test('a message that comes back is told once', async () => {
      await begin();
      const laptop = await stage.device('laptop');
      await (await stage.device('phone')).disconnect();
      withhold(laptop);
      const returned = returning(laptop);
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
      await returned();
      // To the laptop it is new.
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
    });

    test('a new session with the same resource is the same device', async () => {
      await begin();
      await (await stage.device('phone')).disconnect();
      const back = await stage.scene.connect(`${ROMEO}/phone`);
      await back.send('<presence/>');
      await stage.say();
      await stage.app.nothing();
    });

    test('a device with another resource takes its node with it', async () => {
      await begin();
      const phone = await stage.device('phone');
      const again = await stage.scene.connect(`${ROMEO}/phone-2`);
      await again.ask(
        'set',
        "<enable xmlns='urn:xmpp:push:0' jid='push-5.client.example' node='phone'/>",
      );
      await phone.disconnect();
      await again.send('<presence/>');
      await stage.say();
      await stage.app.nothing();
      await again.disconnect();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });

    describe('that logs in by XEP-0388 and so is known', () => {
      const KNOWN = { id: 'device-1', kind: 'agent', software: 'App', name: 'Phone' } as const;
      const enter = async (resource: string, device: { readonly id: string } = KNOWN) => {
        const actor = await stage.scene.connect(`${ROMEO}/${resource}`, {
          device: { ...KNOWN, ...device },
        });
        await actor.send('<presence/>');
        return actor;
      };

      test('is the same with another resource, and no other with the same', async () => {
        await begin();
        const phone = await enter('x');
        await phone.ask('set', enabling('phone'));
        await phone.disconnect();
        const back = await enter('y');
        await stage.say();
        await stage.app.nothing();
        await back.disconnect();
        await enter('x', { id: 'device-2' });
        await stage.say();
        expect(await stage.app.told()).toBe('message-count=1');
      });

      test('is woken no more once it is revoked', async () => {
        await begin();
        for (const id of ['device-1', 'device-2']) {
          const phone = await enter(id, { id });
          await phone.ask('set', enabling(id));
          await phone.disconnect();
        }
        await stage.scene.devices.revoke({ account: stage.juliet.session.account, id: 'device-1' });
        expect(await stage.rows()).toHaveLength(2);
        const [{ account }] = [(await stage.device('laptop')).session];
        await stage.scene.devices.revoke({ account, id: 'device-1' });
        await stage.say();
        expect(serialise(await stage.app.next())).toContain('node="device-2"');
        await stage.app.nothing();
      });
    });

    test('a room wakes the device that it wrote to', async () => {
      await begin();
      const phone = await stage.device('phone');
      const laptop = await stage.device('laptop');
      const groupchat = (to: string) =>
        stage.juliet.send(`<message to='${to}' type='groupchat'>${BODY}</message>`);
      setAttached(stage, phone, false);
      withhold(phone);
      await groupchat(laptop.jid);
      await stage.app.nothing();
      await groupchat(phone.jid);
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('what is not stored wakes only who will get it when he resumes', async () => {
      await begin();
      const phone = await stage.device('phone');
      await (await stage.device('tablet')).disconnect();
      withhold(phone);
      setAttached(stage, phone, false);
      await stage.juliet.send(
        `<message to='${ROMEO}' type='chat'>${BODY}<no-store xmlns='urn:xmpp:hints'/></message>`,
      );
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
    });
  });

  describe('how many are unseen', () => {
    test('is counted until the device is here again', async () => {
      await begin();
      const phone = await stage.device('phone');
      await phone.disconnect();
      for (const count of [1, 2]) {
        await stage.say();
        expect(await stage.app.told()).toBe(`message-count=${count}`);
        await stage.app.nothing();
      }
      const back = await stage.scene.connect(`${ROMEO}/phone`);
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ unseen: 0 }]);
      await back.disconnect();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('begins anew when a device is awake again', async () => {
      await begin();
      const phone = await stage.device('phone');
      withhold(phone);
      setAttached(stage, phone, false);
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
      setAttached(stage, phone, true);
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ unseen: 0 }]);
      setAttached(stage, phone, false);
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('begins anew when a device that seemed asleep acknowledges', async () => {
      await begin();
      const phone = await stage.device('phone');
      const acknowledge = withhold(phone);
      await stage.say();
      stage.scene.clock.advance(PATIENCE);
      expect(await stage.app.told()).toBe('message-count=1');
      await stage.app.nothing();
      acknowledge();
      await stage.say();
      acknowledge();
      stage.scene.clock.advance(PATIENCE);
      await stage.app.nothing();
      expect(await stage.rows()).toMatchObject([{ unseen: 0 }]);
    });
  });

  describe('a request for a subscription', () => {
    const ask = (stage: Stage) => stage.juliet.send(`<presence type='subscribe' to='${ROMEO}'/>`);

    test('wakes who is away, once, and is counted while it waits', async () => {
      await begin();
      await (await stage.device('phone')).disconnect();
      await ask(stage);
      expect(await stage.app.told()).toBe('message-count=0 pending-subscription-count=1');
      await ask(stage);
      await stage.app.nothing();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1 pending-subscription-count=1');
    });

    test('wakes who is asleep, and not who is here', async () => {
      await begin();
      const phone = await stage.device('phone');
      const tablet = await stage.device('tablet');
      setAttached(stage, tablet, false);
      await ask(stage);
      expect(phone.inbox.map(({ attrs }) => attrs.type)).toContain('subscribe');
      expect(await stage.app.told()).toBe('message-count=0 pending-subscription-count=1');
      await stage.app.nothing();
    });

    test('that is approved beforehand wakes nobody', async () => {
      await begin();
      const phone = await stage.device('phone');
      await phone.send(`<presence type='subscribed' to='${JULIET}'/>`);
      await phone.disconnect();
      await ask(stage);
      await stage.app.nothing();
    });
  });

  describe('app servers that write to users', () => {
    test('wake nobody: each notification would bring the next', async () => {
      await begin();
      await (await stage.device('phone')).disconnect();
      const write = (from: string) =>
        stage.app.send(`<message from='${from}' to='${ROMEO}' type='chat'>${BODY}</message>`);
      await write('push-5.client.example');
      await write('joe@push-5.client.example/x');
      await stage.app.nothing();
      await write('joe@client.example');
      expect(await stage.app.told()).toBe('message-count=1');
    });

    test('one that is an account stands only for itself', async () => {
      await begin();
      const phone = await stage.device('phone');
      await phone.ask(
        'set',
        `<enable xmlns='urn:xmpp:push:0' jid='bot@capulet.example' node='n'/>`,
      );
      await phone.disconnect();
      await stage.say();
      expect(await stage.app.told()).toBe('message-count=1');
    });
  });
});

/** Keeps what a session is given; the function gives it back, as when the session ends. */
function returning(actor: Actor): () => Promise<void> {
  const { send } = actor.session;
  const receipts: { returned(session: Actor['session']): void }[] = [];
  actor.session.send = (stanza, to, receipt) => {
    if (receipt !== undefined) receipts.push(receipt);
    send(stanza, to);
  };
  return async () => {
    await actor.disconnect({ kind: 'lost', text: 'the connection broke' });
    for (const receipt of receipts) receipt.returned(actor.session);
  };
}
