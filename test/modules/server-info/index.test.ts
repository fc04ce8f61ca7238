/** A host and its node, asked by strangers; what other servers say of themselves. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Domain } from '../../../src/jid/jid.ts';
import { PROGRAM } from '../../../src/kit/program.ts';
import { contact } from '../../../src/modules/contact.ts';
import { type FederatedPair, serverInfo } from '../../../src/modules/server-info/index.ts';
import { version } from '../../../src/modules/version.ts';
import { childrenOf, type Element, serialise } from '../../../src/xml/element.ts';
import { canonical } from '../../support/canonical.ts';
import { type Elsewhere, otherServer } from '../../support/elsewhere.ts';
import { type Actor, parse, type Scene } from '../../support/scene.ts';
import {
  ask,
  calm,
  errorOf,
  expectDone,
  MODULES,
  openHouse,
  PUBSUB,
  publish,
} from '../pubsub/house.ts';

const HOST = 'shakespeare.lit' as Domain;
const INFO = 'http://jabber.org/protocol/disco#info';
const FEATURE = 'urn:xmpp:serverinfo:0';
const TICK = 15_000;
const INTERVAL = 300_000;
const HOUR = 3_600_000;

describe('XEP-0485: PubSub Server Information', () => {
  let scene: Scene;
  let bard: Actor;
  let far: Elsewhere;
  let pairs: FederatedPair[];
  let isOn: boolean;
  /** What other servers announce; those that are not here say nothing at all. */
  let announced: Record<string, readonly string[]>;
  afterEach(() => scene.stop());

  const start = async ({ contacts = {}, tellsVersion = false } = {}) => {
    const modules = [...MODULES, contact, version, serverInfo];
    pairs = [];
    announced = {};
    isOn = true;
    const settings = {
      version: tellsVersion ? {} : false,
      get serverInfo() {
        return isOn ? {} : false;
      },
    };
    const components = { [PUBSUB]: { type: 'pubsub', name: 'Nodes' } } as const;
    scene = await openHouse([], {}, { modules, settings, host: { components, contacts } });
    bard = await scene.connect('bard@shakespeare.lit/globe');
    far = otherServer(scene);
    scene.registry.apiOf(serverInfo).usePairs(() => pairs);
  };
  const federate = (domain: string, direction: FederatedPair['direction'], more = {}) => {
    const id = `stream-${pairs.length}`;
    pairs.push({ id, domain: domain as Domain, host: HOST, direction, state: 'up', ...more });
  };
  /** Answers what was asked of other servers, until nobody asks any more; tells who was asked. */
  const answerAll = async () => {
    const asked: string[] = [];
    for (;;) {
      await calm(scene);
      const requests = far.taken.splice(0);
      if (requests.length === 0) return asked;
      for (const { to, id } of requests) {
        asked.push(to ?? '');
        const features = announced[to ?? ''];
        if (features === undefined) continue;
        const lines = features.map((feature) => `<feature var='${feature}'/>`).join('');
        const query = `<query xmlns='${INFO}'>${lines}</query>`;
        await far.send(`<iq type='result' from='${to}' to='${HOST}' id='${id}'>${query}</iq>`);
      }
    }
  };
  const pass = (ms: number) => {
    scene.clock.advance(ms);
    return answerAll();
  };
  const items = async (): Promise<Element[]> => {
    const answer = await ask(bard, 'get', "<items node='serverinfo'/>", PUBSUB);
    const [pubsub] = childrenOf(answer);
    const [list] = pubsub === undefined ? [] : childrenOf(pubsub);
    return list === undefined ? [] : childrenOf(list);
  };
  const expectPublished = async (xml: string) => {
    const found = await items();
    expect(found.map(({ attrs }) => attrs['id'])).toEqual(['current']);
    const [payload] = found.flatMap((item) => childrenOf(item));
    expect(payload && canonical(payload)).toBe(canonical(parse(xml)));
  };
  const disco = async (to: string, node = '') => {
    const [info] = childrenOf(await bard.ask('get', `<query xmlns='${INFO}'${node}/>`, to));
    const lines = info === undefined ? [] : childrenOf(info).map(serialise);
    return lines.map((line) => line.replace(` xmlns="${INFO}"`, ''));
  };

  test('§3 a host announces the feature, and the node in a form', async () => {
    await start();
    const lines = await disco(HOST);
    expect(lines).toContain(`<feature var="${FEATURE}"/>`);
    expect(lines).toContain(
      '<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/network/serverinfo</value></field><field var="serverinfo-pubsub-node"><value>xmpp:pubsub.shakespeare.lit?;node=serverinfo</value></field></x>',
    );
  });

  test('§8.2 contact addresses and the node stand in one form', async () => {
    await start({ contacts: { abuse: ['mailto:abuse@shakespeare.lit'] } });
    const forms = (await disco(HOST)).filter((line) => line.includes('network/serverinfo'));
    expect(forms).toEqual([
      '<x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/network/serverinfo</value></field><field var="abuse-addresses"><value>mailto:abuse@shakespeare.lit</value></field><field var="serverinfo-pubsub-node"><value>xmpp:pubsub.shakespeare.lit?;node=serverinfo</value></field></x>',
    ]);
  });

  test('§3 the node is a leaf that anybody may know of', async () => {
    await start();
    await pass(TICK);
    const lines = await disco(PUBSUB, " node='serverinfo'");
    expect(lines).toContain('<identity category="pubsub" type="leaf" name="Server information"/>');
  });

  test('§4 without other domains there is the host alone', async () => {
    await start();
    await pass(TICK);
    await expectPublished(
      `<serverinfo xmlns='${FEATURE}'><domain name='shakespeare.lit'/></serverinfo>`,
    );
  });

  test('§4 other domains are there with the directions of their connections', async () => {
    await start();
    announced = { 'denmark.lit': [INFO, FEATURE], 'montague.net': [FEATURE] };
    federate('montague.net', 'both');
    federate('denmark.lit', 'out');
    federate('denmark.lit', 'in');
    expect(await pass(TICK)).toEqual(['montague.net', 'denmark.lit']);
    await expectPublished(
      `<serverinfo xmlns='${FEATURE}'>
        <domain name='shakespeare.lit'>
          <federation>
            <remote-domain name='denmark.lit'>
              <connection type='incoming'/>
              <connection type='outgoing'/>
            </remote-domain>
            <remote-domain name='montague.net'>
              <connection type='bidi'/>
            </remote-domain>
          </federation>
        </domain>
      </serverinfo>`.replace(/>\s+</g, '><'),
    );
  });

  test('§4 the version of the software is told where it is told to who asks', async () => {
    await start({ tellsVersion: true });
    await pass(TICK);
    await expectPublished(
      `<serverinfo xmlns='${FEATURE}'><domain name='shakespeare.lit'/><query xmlns='jabber:iq:version'><name>rtcd</name><version>${PROGRAM.version}</version></query></serverinfo>`,
    );
  });

  test('§7 who does not announce the feature, or does not answer, has no name', async () => {
    await start();
    announced = { 'denmark.lit': [FEATURE], 'elsinore.lit': [INFO] };
    federate('elsinore.lit', 'in');
    federate('denmark.lit', 'both');
    federate('aa-silent.lit', 'both');
    federate('waiting.lit', 'out', { id: undefined, state: 'waiting' });
    expect(await pass(TICK)).toEqual(['elsinore.lit', 'denmark.lit', 'aa-silent.lit']);
    expect(await items()).toEqual([]);
    await pass(20_000); // one waited for
    await expectPublished(
      `<serverinfo xmlns='${FEATURE}'><domain name='shakespeare.lit'><federation><remote-domain name='denmark.lit'><connection type='bidi'/></remote-domain><remote-domain><connection type='bidi'/></remote-domain><remote-domain><connection type='incoming'/></remote-domain></federation></domain></serverinfo>`,
    );
  });

  test('§4 what goes to and from services of the host is its own, that of other hosts is not', async () => {
    await start();
    announced = { 'denmark.lit': [FEATURE] };
    federate('denmark.lit', 'both', { host: PUBSUB });
    federate('montague.net', 'both', { host: 'capulet.lit' });
    expect(await pass(TICK)).toEqual(['denmark.lit']);
    await expectPublished(
      `<serverinfo xmlns='${FEATURE}'><domain name='shakespeare.lit'><federation><remote-domain name='denmark.lit'><connection type='bidi'/></remote-domain></federation></domain></serverinfo>`,
    );
  });

  test('§7 an error is no consent', async () => {
    await start();
    federate('denmark.lit', 'both');
    scene.clock.advance(TICK);
    await calm(scene);
    const id = far.taken.splice(0)[0]?.id;
    await far.send(
      `<iq type='error' from='denmark.lit' to='${HOST}' id='${id}'><query xmlns='${INFO}'><feature var='${FEATURE}'/></query><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    await calm(scene);
    expect((await items()).map(serialise).join()).not.toContain('denmark.lit');
  });

  test('§7 an answer holds for hours, and a no is taken at the next question', async () => {
    await start();
    announced = { 'denmark.lit': [FEATURE] };
    federate('denmark.lit', 'both');
    expect(await pass(TICK)).toEqual(['denmark.lit']);
    announced = { 'denmark.lit': [] };
    expect(await pass(INTERVAL)).toEqual([]);
    expect((await items()).map(serialise).join()).toContain('denmark.lit');
    expect(await pass(6 * HOUR)).toEqual([]);
    expect(await pass(INTERVAL)).toEqual(['denmark.lit']);
    expect((await items()).map(serialise).join()).not.toContain('denmark.lit');
  });

  test('§7 a domain that was gone is asked again', async () => {
    await start();
    announced = { 'denmark.lit': [FEATURE] };
    federate('denmark.lit', 'both');
    await pass(TICK);
    const [host] = scene.hosts.all();
    for (const hook of host?.dispatch.domainChanged ?? [])
      await hook('denmark.lit' as Domain, 'gone', HOST);
    expect(await pass(INTERVAL)).toEqual(['denmark.lit']);
  });

  test('§7 of many domains some are asked at a time', async () => {
    await start();
    for (let n = 0; n < 60; n += 1) {
      federate(`d${n}.lit`, 'in');
      announced[`d${n}.lit`] = [];
    }
    scene.clock.advance(TICK);
    await calm(scene);
    expect(far.taken).toHaveLength(5);
    const first = far.taken.map(({ to }) => to);
    expect(await answerAll()).toHaveLength(50);
    expect(first).toEqual(['d0.lit', 'd1.lit', 'd2.lit', 'd3.lit', 'd4.lit']);
    expect(await pass(INTERVAL)).toHaveLength(10);
  });

  test('§6 what changes is published when its time has come, and what does not is not', async () => {
    await start();
    await pass(TICK);
    expectDone(
      await ask(bard, 'set', "<subscribe node='serverinfo' jid='bard@shakespeare.lit'/>", PUBSUB),
    );
    await bard.send('<presence/>');
    await calm(scene);
    bard.inbox.length = 0;
    const told = () =>
      bard.inbox
        .splice(0)
        .map(serialise)
        .filter((xml) => xml.includes('<items'));
    await pass(INTERVAL);
    expect(told()).toEqual([]);
    federate('denmark.lit', 'in');
    announced = { 'denmark.lit': [FEATURE] };
    await pass(INTERVAL - TICK);
    expect(told()).toEqual([]);
    await pass(TICK);
    expect(told()).toEqual([expect.stringContaining('<remote-domain name="denmark.lit">')]);
  });

  test('§7 a node of that name that a user made is left alone', async () => {
    await start();
    expectDone(
      await publish(
        bard,
        'serverinfo',
        "<item id='a'><forged xmlns='x'/></item>",
        undefined,
        PUBSUB,
      ),
    );
    await pass(TICK);
    expect((await items()).map(({ attrs }) => attrs['id'])).toEqual(['a']);
  });

  test('§5 nobody else publishes to the node', async () => {
    await start();
    await pass(TICK);
    const answer = await publish(
      bard,
      'serverinfo',
      "<item id='current'><forged xmlns='x'/></item>",
      undefined,
      PUBSUB,
    );
    expect(errorOf(answer)).toContain('forbidden');
  });

  test('§3 switched off, it is not announced, nobody is asked, and what was published goes', async () => {
    await start();
    announced = { 'denmark.lit': [FEATURE] };
    federate('denmark.lit', 'both');
    await pass(TICK);
    expect(await items()).toHaveLength(1);
    isOn = false;
    federate('montague.net', 'both');
    expect(await pass(INTERVAL)).toEqual([]);
    expect(await items()).toEqual([]);
    const lines = (await disco(HOST)).join();
    expect(lines).not.toContain(FEATURE);
    expect(lines).not.toContain('serverinfo-pubsub-node');
    isOn = true;
    announced['montague.net'] = [FEATURE];
    expect(await pass(TICK)).toEqual(['montague.net']);
    expect((await items()).map(serialise).join()).toContain('montague.net');
  });

  test('it is off unless switched on', () => {
    expect(serverInfo.isOnByDefault).toBe(false);
  });
});
