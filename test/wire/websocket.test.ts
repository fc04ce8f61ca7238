/** RFC 7395: XMPP over WebSocket. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { within } from '../support/client.ts';
import { agent, bind2, fast, PHONE, plain2, requestToken } from '../support/sasl2.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const FRAMING = "xmlns='urn:ietf:params:xml:ns:xmpp-framing'";
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const OPEN = `<open ${FRAMING} to='localhost' version='1.0'/>`;
const SM = "xmlns='urn:xmpp:sm:3'";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ accounts: { 'juliet@localhost': PASSWORD } });
});
afterAll(() => server.stop());

/** A client that sends and reads messages of WebSocket as they are. */
class WebClient {
  readonly socket: WebSocket;
  readonly #heard: string[] = [];
  #wake: () => void = () => {};

  constructor(headers: Readonly<Record<string, string>> = {}, protocol = 'xmpp') {
    const address = `ws://127.0.0.1:${server.ports.http}/xmpp-websocket`;
    this.socket = new WebSocket(address, protocol, { headers });
    this.socket.on('message', (data) => {
      this.#heard.push(String(data));
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => this.#wake());
    clients.push(this);
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN)
      await within(once(this.socket, 'open'), 'opening');
    return this;
  }

  send(text: string | Buffer): void {
    this.socket.send(text);
  }

  async next(): Promise<string> {
    for (;;) {
      const found = this.#heard.shift();
      if (found !== undefined) return found;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('closed');
      const arrival = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(arrival, 'a message');
    }
  }

  async ask(text: string): Promise<string> {
    this.send(text);
    return this.next();
  }

  /** Opens a stream; answers its features. */
  async stream(): Promise<string> {
    this.send(OPEN);
    expect(await this.next()).toMatch(/^<open /);
    return this.next();
  }

  async closed(): Promise<number> {
    if (this.socket.readyState === WebSocket.CLOSED) return 0;
    const [code] = await within(once(this.socket, 'close'), 'the end');
    return Number(code);
  }
}

let clients: WebClient[] = [];
afterEach(async () => {
  for (const { socket } of clients) socket.terminate();
  clients = [];
  const left = () => {
    server.clock.jump(700_000);
    return server.run('sessions.list');
  };
  await expect.poll(left).toMatchObject({ total: 0 });
});

/** A client with a resource. */
async function bound(): Promise<WebClient> {
  const client = await new WebClient().opened();
  await client.stream();
  const data = Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64');
  expect(await client.ask(`<auth ${SASL} mechanism='PLAIN'>${data}</auth>`)).toMatch(/^<success /);
  await client.stream();
  const answer = await client.ask(
    `<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`,
  );
  expect(answer).toMatch(/^<iq xmlns='jabber:client' type="result" id="b"/);
  return client;
}

describe('XEP-0388 over WebSocket', () => {
  test('SASL2 with a resource and a token, each element a message of its own', async () => {
    const client = await new WebClient().opened();
    const features = await client.stream();
    expect(features).toContain('<mechanism>HT-SHA-256-NONE</mechanism>');
    expect(features).not.toMatch(/HT-SHA-256-(?:EXPR|ENDP)|-PLUS|sasl-channel-binding/);
    const inner = agent(PHONE) + bind2() + requestToken();
    const success = await client.ask(plain2('juliet', PASSWORD, inner));
    expect(success).toMatch(/^<success .*<bound .*<token /);
    expect(await client.next()).toMatch(/^<stream:features/);
    const [, token = ''] = / token="([^"]+)"/.exec(success) ?? [];
    client.socket.terminate();
    const next = await new WebClient().opened();
    await next.stream();
    expect(await next.ask(fast('juliet', token, { inner: bind2() }))).toMatch(/^<success /);
  });
});

describe('§3.1 the handshake', () => {
  test('the subprotocol is xmpp', async () => {
    const client = await new WebClient().opened();
    expect(client.socket.protocol).toBe('xmpp');
    expect(client.socket.extensions).toBe('');
  });

  test.each([
    ['another subprotocol', {}, 'chat', 400],
    ['§3.9 one who comes in clear from elsewhere', { 'X-Forwarded-For': '192.0.2.1' }, 'xmpp', 403],
  ])('%s is refused', async (_, headers, protocol, status) => {
    const { socket } = new WebClient(headers, protocol);
    const [, response] = await within(once(socket, 'unexpected-response'), 'a refusal');
    expect(response.statusCode).toBe(status);
  });

  test('elsewhere there is nothing to upgrade', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.ports.http}/admin`, 'xmpp');
    socket.on('error', () => {});
    const [, response] = await within(once(socket, 'unexpected-response'), 'a refusal');
    expect(response.statusCode).toBe(404);
  });
});

describe('§3.3 framing', () => {
  test('§3.3.2 the stream opens and closes by messages of their own', async () => {
    const client = await new WebClient().opened();
    client.send(OPEN);
    expect(await client.next()).toMatch(
      /^<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='[^']+' from='localhost' version='1.0' xml:lang='en'\/>$/,
    );
    const features = await client.next();
    expect(features).toMatch(
      /^<stream:features xmlns:stream='http:\/\/etherx.jabber.org\/streams'>/,
    );
    expect(features).not.toContain('starttls'); // §3.9
    client.send(`<close ${FRAMING}/>`);
    expect(await client.next()).toBe("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
    await client.closed();
  });

  test('§3.3.3 each stanza is a message of its own that names its namespace', async () => {
    const client = await bound();
    client.send("<presence xmlns='jabber:client'/>");
    expect(await client.next()).toMatch(/^<presence xmlns='jabber:client' /);
    for (const body of ['one', 'two', 'ü<>&'].map((text) => text.replace(/[<>&]/g, '.')))
      client.send(
        `<message xmlns='jabber:client' type='chat' to='juliet@localhost'><body>${body}</body></message>`,
      );
    for (const body of ['one', 'two', 'ü...'])
      expect(await client.next()).toMatch(
        new RegExp(`^<message xmlns='jabber:client'[^>]*><body>${body}</body>.*</message>$`),
      );
  });

  test('an error of the stream names its namespace, and the stream is closed', async () => {
    const client = await new WebClient().opened();
    client.send(`<open ${FRAMING} to='nowhere.example' version='1.0'/>`);
    expect(await client.next()).toMatch(/^<open /);
    expect(await client.next()).toMatch(/^<stream:error xmlns:stream='[^']+'><host-unknown /);
    expect(await client.next()).toMatch(/^<close /);
    await client.closed();
  });

  test.each([
    ['text that is no XML', 'hello'],
    ['a declaration', "<?xml version='1.0'?>"],
    ['half an element', "<message xmlns='jabber:client'"],
    ['binary data', Buffer.from(OPEN)],
    ['something else called open', '<open/>'],
    ['a malformed opening', `<open ${FRAMING} to='<'/>`],
  ])('%s ends the connection', async (_, data) => {
    const client = await new WebClient().opened();
    client.send(data);
    expect(await client.closed()).toBe(1003);
  });

  test('a message that is too large ends the connection', async () => {
    const client = await new WebClient().opened();
    client.send(`<open ${FRAMING} to='${'x'.repeat(300 * 1024)}'/>`);
    expect(await client.closed()).toBe(1009);
  });
});

test('XEP-0198 a session is resumed on another WebSocket', async () => {
  const client = await bound();
  const enabled = await client.ask(`<enable ${SM} resume='true'/>`);
  const [, id] = / id="([^"]+)"/.exec(enabled) ?? [];
  client.socket.terminate();
  await expect
    .poll(() => server.run('sessions.list'))
    .toMatchObject({ sessions: [{ state: 'asleep' }] });
  const back = await new WebClient().opened();
  await back.stream();
  const data = Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64');
  await back.ask(`<auth ${SASL} mechanism='PLAIN'>${data}</auth>`);
  await back.stream();
  expect(await back.ask(`<resume ${SM} previd='${id}' h='0'/>`)).toMatch(/^<resumed /);
});

test('XEP-0198 §5: while the server goes down, nobody takes up what is being written', async () => {
  const own = await startServer();
  const come = () => new WebSocket(`ws://127.0.0.1:${own.ports.http}/xmpp-websocket`, 'xmpp');
  const deaf = come();
  await within(once(deaf, 'open'), 'opening');
  deaf.send(OPEN);
  await within(once(deaf, 'message'), 'a header');
  deaf.pause(); // never closes on its side: the server waits for it
  const other = come();
  await within(once(other, 'open'), 'opening');
  const ended = own.stop();
  await within(once(other, 'close'), 'the end of the one who listens');
  const late = come();
  late.on('open', () => late.terminate());
  const [, response] = await within(once(late, 'unexpected-response'), 'a refusal');
  expect(response.statusCode).toBe(503);
  late.on('error', () => {});
  late.terminate();
  deaf.terminate();
  await ended;
});

test('one who disappears is missed', async () => {
  const client = await bound();
  client.socket.terminate();
  await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
});
