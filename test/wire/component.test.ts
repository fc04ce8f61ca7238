/** XEP-0114: components over real sockets. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf, type Element } from '../../src/xml/element.ts';
import { Client, type ClientOptions, loggedIn, textIn, within } from '../support/client.ts';
import {
  type ComponentOptions,
  componentHeader,
  connectedComponent,
  handshake,
  openComponent,
} from '../support/component.ts';
import { startServer, type TestServer } from '../support/server.ts';

const GATEWAY = 'irc.falcot.com';
const SECRET = 'Verona & <Mantua>';
const ROMEO = 'romeo@falcot.com';
const external = (secret = SECRET) => ({ type: 'external', secret });
const host = (components: object) => ({ 'falcot.com': { components } });

let server: TestServer;
let here: ComponentOptions;
let login: ClientOptions & { user: string; password: string };
beforeEach(async () => {
  server = await startServer({
    hosts: host({ [GATEWAY]: external() }),
    accounts: { [ROMEO]: 'secret' },
  });
  here = { port: server.ports.component, domain: GATEWAY, secret: SECRET };
  login = { port: server.ports.c2s, to: 'falcot.com', user: 'romeo', password: 'secret' };
});
afterEach(() => server.stop());

const romeoAt = (resource: string) => loggedIn({ ...login, resource });
const message = (to: string, body: string, more = '') =>
  `<message to='${to}' ${more}><body>${body}</body></message>`;
const childOf = (element: Element, name: string) =>
  childrenOf(element).find((child) => child.name === name);
const bodyOf = (element: Element) => textIn(childOf(element, 'body') ?? element);
const firstIn = (element: Element | undefined) =>
  element === undefined ? undefined : childrenOf(element)[0];
/** The condition by which a stream was ended; the connection is closed then. */
async function endedBy(component: Client): Promise<string | undefined> {
  const heard = await component.rest();
  await component.closed();
  const error = heard.find(({ name }) => name === 'stream:error');
  return firstIn(error)?.name;
}
const listed = async () =>
  ((await server.run('components.list')) as { components: { connected: boolean }[] }).components;

describe('§3: a component comes in', () => {
  test('by a header without a version, and a handshake', async () => {
    const { component, header } = await openComponent(here);
    expect(header.attrs).toMatchObject({ from: GATEWAY, xmlns: 'jabber:component:accept' });
    expect(header.attrs['version']).toBeUndefined();
    expect(header.attrs.id).toMatch(/^\S{10,}$/);
    const answer = await component.ask(handshake(header, SECRET));
    expect([answer.name, textIn(answer)]).toEqual(['handshake', '']);
    expect(await listed()).toEqual([
      {
        domain: GATEWAY,
        host: 'falcot.com',
        connected: true,
        remote: '127.0.0.1',
        since: expect.any(Number),
        lastActive: expect.any(Number),
      },
    ]);
  });

  test('the domain may be written in any case', async () => {
    const component = await connectedComponent({ ...here, domain: 'IRC.Falcot.COM' });
    component.destroy();
  });

  test('the port is open only while a host has components', async () => {
    await server.configure({ hosts: host({}) });
    await server.run('server.reload');
    await expect(openComponent(here)).rejects.toThrow('ECONNREFUSED');
    const { listeners } = (await server.run('server.status')) as { listeners: { name: string }[] };
    expect(listeners.map(({ name }) => name)).not.toContain('component');
  });

  test('stanzas pass both ways, without the namespace of the content', async () => {
    const component = await connectedComponent(here);
    const romeo = await romeoAt('orchard');
    romeo.send(message(`#verona%net@${GATEWAY}/Mercutio`, 'Nay, gentle Romeo'));
    const heard = await component.next();
    expect(heard.attrs).toMatchObject({
      from: `${ROMEO}/orchard`,
      to: `#verona%net@${GATEWAY}/Mercutio`,
    });
    expect(bodyOf(heard)).toBe('Nay, gentle Romeo');
    expect(component.text).not.toContain('jabber:client');

    component.send(message(`${ROMEO}/orchard`, 'we must', `from='#verona%net@${GATEWAY}/M'`));
    const answer = await romeo.next();
    expect(answer.attrs.from).toBe(`#verona%net@${GATEWAY}/M`);
    expect(bodyOf(answer)).toBe('we must');
    expect(romeo.text).not.toContain('jabber:component');
  });

  test('it asks and is asked', async () => {
    const component = await connectedComponent(here);
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    component.send(`<iq type='get' id='1' from='${GATEWAY}' to='falcot.com'>${info}</iq>`);
    expect((await component.next()).attrs).toMatchObject({ type: 'result', id: '1' });
    const romeo = await romeoAt('orchard');
    romeo.send(`<iq type='get' id='2' to='${GATEWAY}'>${info}</iq>`);
    const asked = await component.next();
    component.send(`<iq type='result' id='2' from='${GATEWAY}' to='${asked.attrs.from}'/>`);
    expect((await romeo.next()).attrs).toMatchObject({ type: 'result', id: '2', from: GATEWAY });
  });

  test('subscriptions and presence pass as with another server', async () => {
    const component = await connectedComponent(here);
    const romeo = await romeoAt('orchard');
    romeo.send('<presence/>');
    romeo.send(`<presence to='${GATEWAY}' type='subscribe'/>`);
    const asked = await component.seek(({ attrs }) => attrs.type === 'subscribe');
    expect(asked.attrs).toMatchObject({ from: ROMEO, to: GATEWAY });
    component.send(`<presence from='${GATEWAY}' to='${ROMEO}' type='subscribed'/>`);
    component.send(`<presence from='${GATEWAY}' to='${ROMEO}'/>`);
    const seen = await romeo.seek(({ name, attrs }) => name === 'presence' && !attrs.type);
    const own = seen.attrs.from === GATEWAY ? seen : await romeo.seek(isFrom(GATEWAY));
    expect(own.attrs.to).toMatch(/^romeo@falcot\.com/);
  });

  test('it may send to itself', async () => {
    const component = await connectedComponent(here);
    component.send(message(`a@${GATEWAY}`, 'echo', `from='b@${GATEWAY}'`));
    expect(bodyOf(await component.next())).toBe('echo');
  });

  test("RFC 6120 §8.1.5: a stanza without a language has the stream's", async () => {
    const component = await connectedComponent({ ...here, header: "xml:lang='it'" });
    const romeo = await romeoAt('orchard');
    component.send(message(`${ROMEO}/orchard`, 'ciao', `from='${GATEWAY}'`));
    expect((await romeo.next()).attrs['xml:lang']).toBe('it');
  });

  test('the host lists it among its items, and its certificate names it', async () => {
    const romeo = await romeoAt('orchard');
    const items = "<query xmlns='http://jabber.org/protocol/disco#items'/>";
    const answer = await romeo.ask(`<iq type='get' id='1' to='falcot.com'>${items}</iq>`);
    const [query] = childrenOf(answer);
    const listed = query === undefined ? [] : childrenOf(query).map(({ attrs }) => attrs['jid']);
    expect(listed).toContain(GATEWAY);
    expect(romeo.tls.getPeerCertificate().subjectaltname).toContain(GATEWAY);
  });
});

describe('§3: whoever is not one is refused', () => {
  test('a wrong handshake is not-authorized; so is anything in its place', async () => {
    const wrong = [
      (header: Element) => handshake(header, 'another secret'),
      (header: Element) =>
        handshake(header, SECRET).toUpperCase().replaceAll('HANDSHAKE', 'handshake'),
      () => '<handshake/>',
      () => `<handshake>${'0'.repeat(40)}</handshake>`,
      (header: Element) => handshake(header, SECRET).replace('<handshake', "<handshake xmlns='x'"),
      () => message(ROMEO, 'let me in', `from='${GATEWAY}'`),
      () => "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
      () => "<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>",
    ];
    for (const attempt of wrong) {
      const { component, header } = await openComponent(here);
      component.send(attempt(header));
      expect(await endedBy(component)).toBe('not-authorized');
    }
    expect(await listed()).toMatchObject([{ connected: false }]);
  });

  test('a handshake is good for its own stream only', async () => {
    const one = await openComponent(here);
    const other = await openComponent(here);
    other.component.send(handshake(one.header, SECRET));
    expect(await endedBy(other.component)).toBe('not-authorized');
  });

  test.each([
    ['a host', componentHeader('falcot.com'), 'host-unknown'],
    ['an unknown domain', componentHeader('elsewhere.example'), 'host-unknown'],
    ['no domain', componentHeader('a@@b'), 'host-unknown'],
    ['nothing', componentHeader('').replace("to=''", ''), 'improper-addressing'],
    [
      'a stream of clients',
      componentHeader(GATEWAY).replace('component:accept', 'client'),
      'invalid-namespace',
    ],
    [
      'a stream of the other way',
      componentHeader(GATEWAY).replace('accept', 'connect'),
      'invalid-namespace',
    ],
    ['no XMPP', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
  ])('%s', async (_, header, condition) => {
    const component = await Client.connect({ port: here.port });
    component.send(header);
    expect(await endedBy(component)).toBe(condition);
    // RFC 6120 §4.9.1.2: an error of the header comes after a header.
    expect(component.text).toMatch(/^<\?xml[^>]*\?><stream:stream [^>]*>.*<\/stream:stream>$/s);
  });

  test('clients and components do not find each other by port', async () => {
    const wrong = await Client.connect({ port: server.ports.c2s });
    wrong.send(componentHeader(GATEWAY));
    expect(await endedBy(wrong)).toBe('invalid-namespace');
  });

  test('§3 a second connection is in conflict, and the first goes on', async () => {
    const first = await connectedComponent(here);
    const { component: second, header } = await openComponent(here);
    second.send(handshake(header, SECRET));
    expect(await endedBy(second)).toBe('conflict');
    const ping = await first.next();
    expect(ping.attrs).toMatchObject({ type: 'get', from: 'falcot.com', to: GATEWAY });
    first.send(`<iq type='result' id='${ping.attrs.id}' from='${GATEWAY}' to='falcot.com'/>`);
    first.send(message(GATEWAY, 'still here', `from='${GATEWAY}'`));
    expect(bodyOf(await first.next())).toBe('still here');
    server.clock.jump(120_000);
    first.send(message(GATEWAY, 'and here', `from='${GATEWAY}'`));
    expect(bodyOf(await first.next())).toBe('and here');
  });

  test('a connection that gives no sign of life makes room for the next', async () => {
    const dead = await connectedComponent(here);
    const { component: second, header } = await openComponent(here);
    server.clock.jump(1000); // what it said before does not count
    second.send(handshake(header, SECRET));
    expect(await endedBy(second)).toBe('conflict');
    server.clock.jump(61_000);
    expect(await endedBy(dead)).toBe('connection-timeout');
    await connectedComponent(here);
  });

  test('who does not prove himself in time is sent away', async () => {
    const { component } = await openComponent(here);
    const silent = await Client.connect({ port: here.port });
    // The listener has it once it answers somebody who came later.
    (await openComponent(here)).component.destroy();
    server.clock.jump(31_000);
    expect(await endedBy(component)).toBe('connection-timeout');
    expect(await endedBy(silent)).toBe('connection-timeout');
  });

  test('who guesses too often has to wait, and nobody else', { timeout: 60_000 }, async () => {
    for (let tries = 0; tries < 20; tries += 1) {
      const { component } = await openComponent(here);
      component.send('<handshake>guess</handshake>');
      expect(await endedBy(component)).toBe('not-authorized');
    }
    const { component } = await openComponent(here);
    expect(await endedBy(component)).toBe('policy-violation');
    const elsewhere = await connectedComponent({ ...here, from: '127.0.0.2' });
    elsewhere.send('</stream:stream>');
    await elsewhere.closed();
    server.clock.jump(10_000);
    await connectedComponent(here);
  });

  test('what comes before the handshake is small and flat', async () => {
    const { component: large } = await openComponent(here);
    large.send(`<handshake>${'0'.repeat(20_000)}`);
    expect(await endedBy(large)).toBe('policy-violation');
    const { component: deep } = await openComponent(here);
    deep.send('<handshake><a><a><a><a><a>');
    expect(await endedBy(deep)).toBe('policy-violation');
  });

  test('connections from one address are bounded', async () => {
    await server.stop();
    server = await startServer({
      config: { limits: { connectionsPerAddress: 2 } },
      hosts: host({ [GATEWAY]: external() }),
    });
    const port = server.ports.component;
    await openComponent({ ...here, port });
    await openComponent({ ...here, port });
    const third = await Client.connect({ port });
    expect(await endedBy(third)).toBe('policy-violation');
  });
});

describe('§3: what a component may send', () => {
  test.each(['juliet@falcot.com', 'falcot.com', 'evil.irc.falcot.com', `x@x@${GATEWAY}`, ''])(
    "a 'from' of '%s' ends its stream with invalid-from",
    async (from) => {
      const romeo = await romeoAt('orchard');
      const component = await connectedComponent(here);
      component.send(message(`${ROMEO}/orchard`, 'I am another', `from='${from}'`));
      expect(await endedBy(component)).toBe('invalid-from');
      await romeo.ping();
    },
  );

  test("without a 'from' it is the component itself", async () => {
    const romeo = await romeoAt('orchard');
    const component = await connectedComponent(here);
    component.send(message(`${ROMEO}/orchard`, 'who am I?'));
    expect((await romeo.next()).attrs.from).toBe(GATEWAY);
  });

  test("without a 'to', or with a wrong one, it is told so and goes on", async () => {
    const component = await connectedComponent(here);
    const from = `from='a@${GATEWAY}'`;
    component.send(`<message ${from} id='1'/><presence ${from} id='2'/>`);
    component.send(
      `<message ${from} id='3' to='@'/><iq ${from} to='falcot.com' type='get' id='4'/>`,
    );
    component.send(`<message ${from} id='5' type='error'/>`);
    const conditions = [];
    for (let count = 0; count < 4; count += 1) {
      const answer = await component.next();
      const { id, from: answerer, to } = answer.attrs;
      conditions.push([id, answerer, to, firstIn(childOf(answer, 'error'))?.name]);
    }
    const to = `a@${GATEWAY}`;
    expect(conditions).toEqual([
      ['1', 'falcot.com', to, 'bad-request'],
      ['2', 'falcot.com', to, 'bad-request'],
      ['3', 'falcot.com', to, 'jid-malformed'],
      ['4', 'falcot.com', to, 'bad-request'],
    ]);
    component.send(message(GATEWAY, 'on', from));
    expect(bodyOf(await component.next())).toBe('on');
  });

  test.each(['<handshake/>', "<message xmlns='jabber:client'/>", '<query/>'])(
    '%s is no stanza',
    async (element) => {
      const component = await connectedComponent(here);
      component.send(element);
      expect(await endedBy(component)).toBe('unsupported-stanza-type');
    },
  );

  test('larger stanzas than clients, and no larger than other servers', async () => {
    const component = await connectedComponent(here);
    component.send(message(GATEWAY, 'x'.repeat(300_000), `from='${GATEWAY}'`));
    expect(bodyOf(await component.next())).toHaveLength(300_000);
    component.send(message(GATEWAY, 'x'.repeat(600_000), `from='${GATEWAY}'`));
    expect(await endedBy(component)).toBe('policy-violation');
  });

  test('its stanzas are handled in their order', async () => {
    const component = await connectedComponent(here);
    const romeo = await romeoAt('orchard');
    const numbers = Array.from({ length: 300 }, (_, number) => String(number));
    component.send(
      numbers.map((n) => message(`${ROMEO}/orchard`, n, `from='a@${GATEWAY}'`)).join(''),
    );
    const heard = [];
    for (const _ of numbers) heard.push(bodyOf(await romeo.next()));
    expect(heard).toEqual(numbers);
  });
});

describe('while it is away', () => {
  test('RFC 6120 §8.3.3.16: what is sent to it bounces, and comes through once it is back', async () => {
    const romeo = await romeoAt('orchard');
    const answer = await romeo.ask(message(`a@${GATEWAY}`, 'hello', "id='1'"));
    expect(answer.attrs).toMatchObject({ type: 'error', id: '1', from: `a@${GATEWAY}` });
    const error = childOf(answer, 'error');
    expect([error?.attrs.type, firstIn(error)?.name]).toEqual(['wait', 'remote-server-timeout']);
    const component = await connectedComponent(here);
    romeo.send(message(`a@${GATEWAY}`, 'again'));
    expect(bodyOf(await component.next())).toBe('again');
    component.send('</stream:stream>');
    expect(await component.rest()).toEqual([]);
    expect(component.text.endsWith('</stream:stream>')).toBe(true);
    const gone = await romeo.ask(message(`a@${GATEWAY}`, 'and again', "id='2'"));
    expect(gone.attrs).toMatchObject({ type: 'error', id: '2' });
  });

  test('a connection that breaks, or that reports an error, is over', async () => {
    const first = await connectedComponent(here);
    first.reset();
    const romeo = await romeoAt('orchard');
    const isAway = async () => {
      romeo.send(message(GATEWAY, 'hello', "id='1'"));
      return (await romeo.next()).attrs.type === 'error';
    };
    expect(await isAway()).toBe(true);
    const second = await connectedComponent(here);
    second.send(
      "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    );
    expect(await second.rest()).toEqual([]);
    expect(await isAway()).toBe(true);
  });
});

describe('a reload', () => {
  const OTHER = 'sms.falcot.com';

  test('adds and removes components, and disturbs no others', async () => {
    const irc = await connectedComponent(here);
    await server.configure({ hosts: host({ [GATEWAY]: external(), [OTHER]: external('x') }) });
    await server.run('server.reload');
    const sms = await connectedComponent({ ...here, domain: OTHER, secret: 'x' });
    irc.send(message(OTHER, 'hello', `from='${GATEWAY}'`));
    expect(bodyOf(await sms.next())).toBe('hello');

    await server.configure({ hosts: host({ [GATEWAY]: external() }) });
    await server.run('server.reload');
    expect(await endedBy(sms)).toBe('host-gone');
    irc.send(message(OTHER, 'hello', `from='${GATEWAY}' id='1'`));
    expect((await irc.next()).attrs).toMatchObject({ type: 'error', id: '1' });
    expect(await listed()).toMatchObject([{ domain: GATEWAY, connected: true }]);
  });

  test('a changed secret ends the stream of who knew the old one', async () => {
    const component = await connectedComponent(here);
    const { component: waiting, header } = await openComponent(here);
    await server.configure({ hosts: host({ [GATEWAY]: external('new') }) });
    await server.run('server.reload');
    expect(await endedBy(component)).toBe('not-authorized');
    waiting.send(handshake(header, SECRET));
    expect(await endedBy(waiting)).toBe('not-authorized');
    await connectedComponent({ ...here, secret: 'new' });
  });

  test('a component that was removed while it opened its stream does not get in', async () => {
    const { component, header } = await openComponent(here);
    await server.configure({ hosts: host({ [OTHER]: external() }) });
    await server.run('server.reload');
    component.send(handshake(header, SECRET));
    expect(await endedBy(component)).toBe('host-gone');
  });
});

describe('back-pressure', () => {
  test('who sends to a component that does not read has to wait; nobody else', async () => {
    const component = await connectedComponent(here);
    component.read(false);
    const [romeo, other] = [await romeoAt('orchard'), await romeoAt('balcony')];
    const large = message(GATEWAY, 'x'.repeat(200_000));
    // More than the sockets of both sides hold.
    const sent = 100;
    for (let count = 0; count < sent; count += 1) romeo.send(large);
    await other.ping();
    component.read(true);
    for (let count = 0; count < sent; count += 1)
      expect(bodyOf(await component.next())).toHaveLength(200_000);
    await romeo.ping();
  }, 60_000);

  test('a component that reads nothing for long is given up, and those who wait go on', async () => {
    const component = await connectedComponent(here);
    component.read(false);
    const romeo = await romeoAt('orchard');
    for (let count = 0; count < 100; count += 1) romeo.send(message(GATEWAY, 'x'.repeat(200_000)));
    romeo.send(message('falcot.com', 'after all that', "id='last'"));
    const answer = romeo.seek(({ attrs }) => attrs.id === 'last');
    // Not before it is stuck: then the server hears nothing of romeo any more.
    await within(stuck(), 'the queue to be full');
    server.clock.jump(61_000);
    expect((await answer).attrs.type).toBe('error');
    expect(await listed()).toMatchObject([{ connected: false }]);
    component.destroy();
  }, 20_000);

  test('what a component did not take when its connection breaks comes back, and nothing is left out', async () => {
    const component = await connectedComponent(here);
    component.read(false);
    const romeo = await romeoAt('orchard');
    const all = Array.from({ length: 100 }, (_, id) => id);
    for (const id of all) romeo.send(message(GATEWAY, 'x'.repeat(200_000), `id='${id}'`));
    await within(stuck(), 'the queue to be full');
    const written = await metric();
    component.reset();
    const back: number[] = [];
    while (back.at(-1) !== all.at(-1)) {
      const { attrs } = await romeo.next();
      expect(attrs).toMatchObject({ type: 'error', from: GATEWAY });
      back.push(Number(attrs.id));
    }
    // What came after it broke comes back, too; before that the last ones that were written.
    expect(back[0]).toBeLessThan(written);
    expect(back).toEqual(all.slice(back[0]));
  }, 20_000);

  async function stuck(): Promise<void> {
    for (;;) {
      const before = await metric();
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (before > 0 && (await metric()) === before) return;
    }
  }

  /** How many stanzas went to components. */
  async function metric(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${server.ports.http}/metrics`);
    const line = /rtcd_component_stanzas_total\{direction="out",kind="message"\} (\d+)/;
    return Number(line.exec(await answer.text())?.[1] ?? 0);
  }
});

test('a shutdown ends the stream with system-shutdown', async () => {
  const component = await connectedComponent(here);
  const { component: early } = await openComponent(here);
  const stopped = server.stop();
  expect(await endedBy(component)).toBe('system-shutdown');
  expect(await endedBy(early)).toBe('system-shutdown');
  await stopped;
});

const isFrom = (from: string) => (element: Element) => element.attrs.from === from;
