/** A minimal XMPP client: it writes strings and looks only for what its scenario waits for. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls';
import type { Account } from '../servers/people.ts';
import { byScram, type Entrance } from './entrance.ts';
import { Framed } from './framed.ts';
import type { KeyCache } from './scram.ts';
import { attributeOf, Splitter } from './splitter.ts';

/**
 * What carries a stream: TCP, TCP with STARTTLS, TLS from the first byte (XEP-0368), the same at the one port
 * for all, or a WebSocket in TLS.
 */
export type Transport = 'tcp' | 'starttls' | 'direct' | 'edge' | 'websocket';

/** Where clients connect to. */
export interface Endpoint {
  /** An address of this machine. */
  readonly host: string;
  readonly port: number;
  /** The XMPP domain. */
  readonly domain: string;
  readonly transport: Transport;
  /** Shared by all clients: to make one costs more than a handshake. */
  readonly context: SecureContext;
  /** How long a login, or a goodbye, may take, in milliseconds. */
  readonly timeout: number;
}

/** A TLS session that goes on (RFC 8446 §2.2). */
export interface Resumption {
  readonly session?: Buffer;
  /** Called with each session that can be gone on with the next time. */
  readonly onSession?: (session: Buffer) => void;
}

/** How somebody comes in. */
export interface EnterOptions {
  /** Whether he sends no presence, so that nothing that was kept for him comes. */
  readonly isAbsent?: boolean;
  readonly resumption?: Resumption;
  /** Called for each stanza from the first on; {@link Client.onStanza} is for those after the login. */
  readonly onStanza?: (stanza: string) => void;
}

/** Connections of one address, of which there are some 28,000 at a time to one port. */
const CONNECTIONS_PER_SOURCE = 10_000;
let connections = 0;

/** The loopback address of the next connection. */
function nextSource(): string {
  connections += 1;
  return `127.0.1.${1 + (Math.floor(connections / CONNECTIONS_PER_SOURCE) % 250)}`;
}

/** Waits for one stanza. */
interface Waiter {
  resolve(stanza: string): void;
  reject(error: Error): void;
}

const escapeAttribute = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;');

/** A client that is logged in, with its roster fetched and its presence sent. */
export class Client {
  /** Called for each stanza that arrives from now on. */
  onStanza: (stanza: string) => void = () => {};
  /** Called once if the connection ends and {@link Client.close} was not called. */
  onLost: (why: Error) => void = () => {};

  readonly #endpoint: Endpoint;
  readonly #options: EnterOptions;
  readonly #splitter: Splitter;
  readonly #arrived: string[] = [];
  #socket: Duplex;
  #waiter: Waiter | undefined;
  #failure: Error | undefined;
  #isLoggedIn = false;
  #isClosing = false;
  #out = '';
  #jid = '';

  private constructor(endpoint: Endpoint, options: EnterOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#splitter = new Splitter({
      stanza: (text) => this.#onStanza(text),
      end: () => this.#socket.end(),
    });
    this.#socket = this.#connected();
    this.#listen(this.#socket);
  }

  /** Logs in by SCRAM-SHA-1; see {@link Client.enter}. */
  static logIn(
    endpoint: Endpoint,
    account: Account,
    keys: KeyCache,
    options: EnterOptions = {},
  ): Promise<Client> {
    return Client.enter(endpoint, account, byScram(account, keys), options);
  }

  /**
   * Logs in: TCP, TLS, SASL, resource binding, roster, presence. Resolves when the roster is here and
   * the server has sent our own presence back (RFC 6121 §4.2.2), so that messages to the bare JID
   * reach us. Rejects on any other course and after the endpoint's timeout.
   * @param way authenticates and binds; resolves to the full JID
   */
  static async enter(
    endpoint: Endpoint,
    { user }: Account,
    way: Entrance,
    options: EnterOptions = {},
  ): Promise<Client> {
    const client = new Client(endpoint, options);
    const timer = setTimeout(
      () => client.#fail(new Error(`${user} could not log in within ${endpoint.timeout} ms`)),
      endpoint.timeout,
    );
    try {
      if (endpoint.transport === 'starttls') await client.#startTls();
      client.#jid = await way({
        open: (attributes) => client.#openStream(attributes),
        send: (text) => client.send(text),
        expect: (start) => client.#expect(start),
      });
      await client.#begin(options.isAbsent === true);
    } catch (error) {
      client.#isClosing = true;
      client.#socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    client.#isLoggedIn = true;
    return client;
  }

  /** The full JID. */
  get jid(): string {
    return this.#jid;
  }

  /** Whether TLS went on from an earlier session, without a certificate. */
  get isResumed(): boolean {
    return this.#socket instanceof TLSSocket && this.#socket.isSessionReused();
  }

  /** Sends text, together with all that is sent in the same turn of the event loop. */
  send(text: string): void {
    if (this.#out === '') process.nextTick(() => this.#flush());
    this.#out += text;
  }

  /** Ends the stream properly (RFC 6120 §4.4); resolves when the connection is closed. */
  close(): Promise<void> {
    this.#isClosing = true;
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), this.#endpoint.timeout);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.send('</stream:stream>');
    });
  }

  async #startTls(): Promise<void> {
    await this.#openStream();
    this.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    await this.#expect('<proceed');
    const plain = this.#socket;
    for (const event of ['data', 'error', 'close']) plain.removeAllListeners(event);
    this.#socket = this.#secured(plain);
    this.#listen(this.#socket);
  }

  async #begin(isAbsent: boolean): Promise<void> {
    this.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    if (!isAbsent) this.send('<presence/>');
    let hasRoster = false;
    let hasPresence = isAbsent;
    while (!hasRoster || !hasPresence) {
      const stanza = await this.#next();
      if (stanza.startsWith('<iq')) hasRoster ||= attributeOf(stanza, 'id') === 'roster';
      if (stanza.startsWith('<presence')) hasPresence ||= attributeOf(stanza, 'from') === this.#jid;
    }
  }

  /** Opens a stream and resolves to its features. */
  #openStream(attributes = ''): Promise<string> {
    this.#splitter.restart();
    this.send(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' ${attributes} ` +
        `xmlns:stream='http://etherx.jabber.org/streams' to='${escapeAttribute(this.#endpoint.domain)}'>`,
    );
    return this.#expect('<stream:features');
  }

  async #expect(start: string): Promise<string> {
    const stanza = await this.#next();
    if (!stanza.startsWith(start)) throw new Error(`${start}> was expected, not ${stanza}`);
    return stanza;
  }

  #next(): Promise<string> {
    const first = this.#arrived.shift();
    if (first !== undefined) return Promise.resolve(first);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #onStanza(text: string): void {
    if (text.startsWith('<iq') && text.includes('urn:xmpp:ping')) {
      // A server asks who reads much and says nothing.
      const [id, from] = [attributeOf(text, 'id') ?? '', attributeOf(text, 'from') ?? ''];
      this.send(`<iq type='result' id='${id}' to='${from}'/>`);
      return;
    }
    this.#options.onStanza?.(text);
    if (this.#isLoggedIn) {
      this.onStanza(text);
      return;
    }
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#arrived.push(text);
    else waiter.resolve(text);
  }

  #connected(): Duplex {
    const { host, port, domain, transport } = this.#endpoint;
    const localAddress = nextSource();
    if (transport === 'websocket') return new Framed({ host, port, domain, localAddress });
    const plain = connect({ host, port, localAddress });
    plain.setNoDelay(true);
    return transport === 'direct' || transport === 'edge' ? this.#secured(plain) : plain;
  }

  /** TLS over a connection. */
  #secured(plain: Duplex): TLSSocket {
    const { session, onSession } = this.#options.resumption ?? {};
    const socket = connectTls({
      socket: plain,
      secureContext: this.#endpoint.context,
      servername: this.#endpoint.domain,
      rejectUnauthorized: false, // the certificate of a server under test is its own
      ALPNProtocols: ['xmpp-client'],
      ...(session === undefined ? {} : { session }),
    });
    if (onSession !== undefined) socket.on('session', onSession);
    return socket;
  }

  #listen(socket: Duplex): void {
    // Latin-1 is the cheapest decoding; nothing that we look at is outside of ASCII.
    socket.on('data', (chunk: Buffer) => this.#splitter.write(chunk.toString('latin1')));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#waiter?.reject(error);
    this.#waiter = undefined;
    if (this.#isLoggedIn && !this.#isClosing) this.onLost(error);
  }

  #flush(): void {
    const text = this.#out;
    this.#out = '';
    if (!this.#socket.destroyed) this.#socket.write(text, 'utf8');
  }
}
