import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { modules } from '../../src/modules/index.ts';
import { childrenOf, serialise } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Scene, startScene } from '../support/scene.ts';

describe('the modules', () => {
  test('have names of their own, and stand after what they need', () => {
    const before = new Set<string>();
    for (const { name, needs } of modules) {
      expect(before.has(name), name).toBe(false);
      expect(needs.filter((needed) => !before.has(needed))).toEqual([]);
      before.add(name);
    }
  });

  test.each(modules.filter(({ config }) => config !== undefined))(
    '$name: each key of its config has a default and is described',
    ({ config }) => {
      expect(config?.safeParse({}).success).toBe(true);
      if (!(config instanceof z.ZodObject)) expect.fail('not a map');
      for (const [key, field] of Object.entries(config.shape as Record<string, z.ZodType>))
        expect(field.description, key).toMatch(/\.$/);
    },
  );
});

describe('all modules together', () => {
  let scene: Scene;
  afterEach(() => scene.stop());

  test('a login: features of the stream, and disco#info of the server', async () => {
    scene = await startScene({ modules, accounts: ['romeo@montague.net'] });
    const [host] = scene.hosts.all();
    if (host === undefined) expect.fail('no host');
    const offered = (phase: 'early' | 'authenticated') =>
      host.dispatch.streamFeatures({ host: host.domain, phase }).map(({ name }) => name);
    // XEP-0445 §3: both of registration, for those who are invited.
    expect(offered('early')).toEqual(['limits', 'register', 'register']);
    expect(offered('authenticated').toSorted()).toEqual([
      'c',
      'csi',
      'limits',
      'session',
      'sm',
      'sub',
      'ver',
    ]);
    const romeo = await scene.connect('romeo@montague.net/orchard');
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const [info] = childrenOf(await romeo.ask('get', query, 'montague.net'));
    const features = (info === undefined ? [] : childrenOf(info))
      .filter(({ name }) => name === 'feature')
      .map(({ attrs }) => attrs['var']);
    expect(features).toEqual(
      expect.arrayContaining([
        'http://jabber.org/protocol/caps',
        'http://jabber.org/protocol/disco#info',
        'http://jabber.org/protocol/disco#items',
        'jabber:iq:last',
        'jabber:iq:private',
        'jabber:iq:register',
        'jabber:iq:version',
        'urn:xmpp:carbons:2',
        'urn:xmpp:ping',
        'urn:xmpp:time',
        'vcard-temp',
      ]),
    );
  });

  test('XEP-0077 §3.2 contacts of a removed account are told, and it leaves no trace', async () => {
    const settings = { register: { confirmRemoval: false } };
    const accounts = ['romeo@montague.net', 'juliet@capulet.com'];
    scene = await startScene({ modules, accounts, settings });
    const romeo = await scene.connect('romeo@montague.net/orchard');
    const juliet = await scene.connect('juliet@capulet.com/balcony');
    await juliet.ask('get', "<query xmlns='jabber:iq:roster'/>"); // so that she is interested
    await romeo.send('<presence/>');
    await juliet.send('<presence/>');
    for (const [asker, asked] of [
      [romeo, juliet],
      [juliet, romeo],
    ] as const) {
      const to = asked.session.account;
      await asker.send(`<presence type='subscribe' to='${to}'/>`);
      await asked.send(`<presence type='subscribed' to='${asker.session.account}'/>`);
    }
    await romeo.ask('set', "<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>");
    juliet.inbox.length = 0;

    const removal = "<query xmlns='jabber:iq:register'><remove/></query>";
    expect(resultIn(await romeo.ask('set', removal))).toBe('');
    expect(romeo.endedWith).toBe('not-authorized');
    const heard = juliet.inbox
      .filter(({ name, attrs }) => name === 'presence' && attrs.from?.startsWith('romeo'))
      .map(({ attrs }) => `${attrs.type} ${attrs.from}`);
    expect(heard).toContain('unavailable romeo@montague.net/orchard');
    expect(heard).toContain('unsubscribed romeo@montague.net');
    expect(heard).toContain('unsubscribe romeo@montague.net');

    const ask = "<vCard xmlns='vcard-temp'/>";
    expect(conditionIn(await juliet.ask('get', ask, 'romeo@montague.net'))).toBe(
      'service-unavailable',
    );
    await scene.accounts.create(romeo.session.account, 'secret');
    const next = await scene.connect('romeo@montague.net/orchard');
    expect(conditionIn(await next.ask('get', ask))).toBe('item-not-found');
    const roster = await next.ask('get', "<query xmlns='jabber:iq:roster'/>");
    expect(serialise(roster)).not.toContain('juliet');
  });
});
