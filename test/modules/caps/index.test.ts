import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Capabilities, caps } from '../../../src/modules/caps/index.ts';
import { verificationString } from '../../../src/modules/caps/verification.ts';
import { contact } from '../../../src/modules/contact.ts';
import { type DiscoInfo, disco } from '../../../src/modules/disco/index.ts';
import { ping } from '../../../src/modules/ping.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { childrenOf, type Element, isNamed } from '../../../src/xml/element.ts';
import { conditionIn } from '../../support/answers.ts';
import { type Actor, parse, type Scene, startScene } from '../../support/scene.ts';

/** What a client makes of an answer to disco#info. */
function infoOf(query: Element): DiscoInfo {
  const children = childrenOf(query);
  const named = (name: string) => children.filter((child) => child.name === name);
  return {
    identities: named('identity').map(({ attrs }) => ({
      category: attrs['category'] ?? '',
      type: attrs.type ?? '',
      name: attrs['name'],
      lang: attrs['xml:lang'],
    })),
    features: named('feature').map(({ attrs }) => attrs['var'] ?? ''),
    forms: children.filter((child) => isNamed(child, 'x', 'jabber:x:data')),
  };
}

const FEATURES = `
  <feature var='http://jabber.org/protocol/disco#info'/>
  <feature var='http://jabber.org/protocol/disco#items'/>
  <feature var='http://jabber.org/protocol/muc'/>
  <feature var='http://jabber.org/protocol/caps'/>`;

describe('XEP-0115 §5: the verification string', () => {
  test('§5.2 simple generation example', () => {
    const query = parse(`<query xmlns='http://jabber.org/protocol/disco#info'>
      <identity category='client' type='pc' name='Exodus 0.9.1'/>${FEATURES}</query>`);
    expect(verificationString(infoOf(query))).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
  });

  const complex = (formTypeOfForm = 'hidden') => `
    <query xmlns='http://jabber.org/protocol/disco#info'
           node='http://psi-im.org#q07IKJEyjvHSyhy//CH0CxmKi8w='>
      <identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
      <identity xml:lang='el' category='client' name='&#936; 0.11' type='pc'/>${FEATURES}
      <x xmlns='jabber:x:data' type='result'>
        <field var='FORM_TYPE' type='${formTypeOfForm}'>
          <value>urn:xmpp:dataforms:softwareinfo</value>
        </field>
        <field var='software_version'><value>0.11</value></field>
        <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
        <field var='os'><value>Mac</value></field>
        <field var='os_version'><value>10.5.1</value></field>
        <field var='software'><value>Psi</value></field>
      </x>
    </query>`;

  test('§5.3 complex generation example, its parts in another order', () => {
    const ver = verificationString(infoOf(parse(complex())));
    expect(ver).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=');
  });

  test('§5.4 a form without FORM_TYPE does not count', () => {
    const simple = parse(`<query xmlns='http://jabber.org/protocol/disco#info'>
      <identity category='client' type='pc' name='Exodus 0.9.1'/>${FEATURES}
      <x xmlns='jabber:x:data' type='result'><field var='os'><value>Mac</value></field></x>
      </query>`);
    expect(verificationString(infoOf(simple))).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
  });

  test('§5.1 what is sorted is sorted by octets, not by UTF-16 units', () => {
    const features = ['\u{1F600}', '\u{FF5E}'];
    const info = { identities: [], forms: [] };
    // U+FF5E comes before U+1F600 in UTF-8, after it in UTF-16.
    expect(verificationString({ ...info, features })).toBe(
      verificationString({ ...info, features: features.toReversed() }),
    );
    expect(verificationString({ ...info, features })).toBe('XhWoSAi5cguDGtJ5nhA8P0X+HL4=');
  });
});

describe('XEP-0115 §6.3: the capabilities of a server', () => {
  let scene: Scene;
  let romeo: Actor;
  const offered = (phase: 'early' | 'authenticated') => {
    const [host] = scene.hosts.all();
    return host === undefined ? [] : host.dispatch.streamFeatures({ host: host.domain, phase });
  };
  const ask = (node: string) =>
    romeo.ask(
      'get',
      `<query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/>`,
      'montague.net',
    );
  beforeEach(async () => {
    scene = await startScene({
      modules: [roster, disco, caps, contact, ping],
      accounts: ['romeo@montague.net'],
      host: { contacts: { admin: ['mailto:admin@montague.net'] } },
    });
    romeo = await scene.connect('romeo@montague.net/orchard');
  });
  afterEach(() => scene.stop());

  test('§6.2 what <c/> says is what disco#info of its node answers', async () => {
    const c = offered('authenticated')
      .map((feature) => Capabilities.decode(feature))
      .find((decoded) => decoded !== undefined);
    expect(c?.hash).toBe('sha-1');
    const node = `${c?.node}#${c?.ver}`;
    const [query] = childrenOf(await ask(node));
    if (query === undefined) expect.fail('no answer');
    expect(query.attrs['node']).toBe(node);
    const info = infoOf(query);
    expect(info.features).toContain('http://jabber.org/protocol/caps');
    expect(info.forms).toHaveLength(1);
    expect(verificationString(info)).toBe(c?.ver);
  });

  test('§6.2 another string of the same program is not found', async () => {
    expect(conditionIn(await ask('urn:rtcd:server#q07IKJEyjvHSyhy//CH0CxmKi8w='))).toBe(
      'item-not-found',
    );
    expect(conditionIn(await ask('urn:rtcd:server'))).toBe('item-not-found');
  });

  test('strangers are told nothing before they log in', () => {
    expect(offered('early')).toEqual([]);
  });
});
