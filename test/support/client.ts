/**
 * A client that writes what it is told and reads with a parser that is not ours, for tests over real
 * sockets. Nothing in it waits without a deadline.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { Parser } from '@xmpp/xml';
import type { Element } from '../../src/xml/element.ts';
import { scramClient } from '../sasl/scram-client.ts';
import { HOST } from './server.ts';

const DEADLINE_MS = 8000;

/** Where and how to connect. */
export interface ClientOptions {
  readonly port: number;
  /** TLS from the first byte, with these options. */
  readonly tls?: ConnectionOptions;
  /** The domain of stream headers; `localhost` if absent. */
  readonly to?: string;
  /** The address to connect from, one of 127.0.0.0/8; 127.0.0.1 if absent. */
  readonly from?: string;
  /** What is sent before anything else. */
  readonly preface?: string | Buffer;
}

/** Something that came: the header, an element, the closing tag. */
type Heard = { kind: 'header' | 'element'; element: Element } | { kind: 'end' };

/** A client. */
export class Client {
  readonly to: string;
  /** All text that came, for assertions on bytes. */
  text = '';
  #socket: Socket;
  /** The one below TLS. */
  readonly #bare: Socket;
  #parser = new Parser();
  #heard: Heard[] = [];
  #wake: () => void = () => {};
  #isClosed = false;

  private constructor(socket: Socket, to: string) {
    this.to = to;
    this.#socket = socket;
    this.#bare = socket;
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  /** Connects; the stream is not opened yet. */
  static async connect({
    port,
    tls,
    from = HOST,
    to = 'localhost',
    preface,
  }: ClientOptions): Promise<Client> {
    const bare = connect({ port, host: HOST, localAddress: from });
    await within(once(bare, 'connect'), 'connecting');
    if (preface !== undefined) bare.write(preface);
    const client = new Client(bare, to);
    if (tls !== undefined) await client.upgrade({ servername: '', ...tls });
    return client;
  }

  /** The TLS socket; fails without TLS. */
  get tls(): TLSSocket {
    if (!('getProtocol' in this.#socket)) throw new Error('no TLS');
    return this.#socket as TLSSocket;
  }

  /** Writes text as it is. */
  send(text: string | Buffer): void {
    this.#socket.write(text);
  }

  /** Writes text and waits until the system has taken it. */
  async sent(text: string): Promise<void> {
    const taken = new Promise<void>((resolve, reject) =>
      this.#socket.write(text, (error) => (error ? reject(error) : resolve())),
    );
    await within(taken, 'the system to take what is sent');
  }

  /** Bytes that the system has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength + this.#bare.writableLength;
  }

  /** Whether the connection is over. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Writes one byte, as a packet of its own. */
  async trickle(byte: number): Promise<void> {
    await new Promise((sent) => this.#socket.write(Buffer.of(byte), sent));
  }

  /** Stops, or goes on, reading: a slow reader. */
  read(isReading: boolean): void {
    if (isReading) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Ends its side of the TCP connection. */
  endSocket(): void {
    this.#socket.end();
  }

  /** Breaks the connection, without a farewell of TCP. */
  reset(): void {
    this.#bare.resetAndDestroy();
  }

  /** Breaks the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Opens a stream and waits for the header and the features. */
  async open(attrs = ''): Promise<{ header: Element; features: Element }> {
    this.restart();
    this.send(
      `<?xml version='1.0'?><stream:stream to='${this.to}' version='1.0' xmlns='jabber:client'` +
        ` xmlns:stream='http://etherx.jabber.org/streams' ${attrs}>`,
    );
    const header = await this.header();
    return { header, features: await this.next() };
  }

  /** Reads a new stream from now on, as after a login. */
  restart(): void {
    this.#parser = this.#newParser();
  }

  /** The next header. */
  async header(): Promise<Element> {
    const heard = await this.#take();
    if (heard.kind !== 'header') throw new Error(`no header but ${heard.kind}`);
    return heard.element;
  }

  /** The next element. */
  async next(): Promise<Element> {
    const heard = await this.#take();
    if (heard.kind === 'end') throw new Error('the stream was closed');
    return heard.element;
  }

  /** Sends a stanza and waits for what comes next. */
  ask(text: string): Promise<Element> {
    this.send(text);
    return this.next();
  }

  /** Waits for what a condition is true of, passing over what comes before. */
  async seek(isIt: (element: Element) => boolean): Promise<Element> {
    for (;;) {
      const element = await this.next();
      if (isIt(element)) return element;
    }
  }

  /** Has the server answer a ping, and fails if anything else comes before the answer. */
  async ping(): Promise<void> {
    const answer = await this.ask(
      `<iq type='get' id='ping' to='${this.to}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    );
    if (answer.attrs.id !== 'ping' || answer.attrs.type !== 'result')
      throw new Error(`no answer to a ping but ${answer}`);
  }

  /** What is heard, up to and without what ends it: elements until the stream or socket is closed. */
  async rest(): Promise<Element[]> {
    const elements: Element[] = [];
    for (;;) {
      if (this.#heard.length === 0 && this.#isClosed) return elements;
      const heard = await this.#take().catch((error: unknown) => {
        if (this.#isClosed) return { kind: 'end' } as const;
        throw error;
      });
      if (heard.kind === 'end') return elements;
      if (heard.kind === 'element') elements.push(heard.element);
    }
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    if (!this.#isClosed) await within(once(this.#socket, 'close'), 'the connection to close');
  }

  /** STARTTLS; then a new stream has to be opened. */
  async startTls(options: ConnectionOptions = {}): Promise<void> {
    this.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const answer = await this.next();
    if (answer.name !== 'proceed') throw new Error(`no <proceed/> but ${answer}`);
    await this.upgrade(options);
  }

  /** Puts TLS over the socket. */
  async upgrade(options: ConnectionOptions = {}): Promise<void> {
    this.#socket.removeAllListeners();
    const servername = options.servername ?? this.to;
    const usual = { rejectUnauthorized: false, ...options, servername };
    const secured = connectTls({ ...usual, socket: this.#bare });
    this.#socket = secured;
    await within(once(secured, 'secureConnect'), 'TLS');
    this.#listen(secured);
  }

  /** SASL PLAIN; answers `success` or `failure`. */
  async plain(user: string, password: string): Promise<Element> {
    const data = Buffer.from(`\0${user}\0${password}`).toString('base64');
    this.send(auth('PLAIN', data));
    return this.next();
  }

  /** SCRAM by its mechanism's name; `channel` is its channel binding. Answers the last element. */
  async scram(
    mechanism: string,
    user: string,
    password: string,
    channel?: { type: string; data: Buffer },
  ): Promise<Element> {
    const digest = mechanism.replace(/^SCRAM-SHA-|-PLUS$/g, '');
    const scram = scramClient({
      digest: `sha${digest}`,
      username: user,
      password,
      ...(channel === undefined ? {} : { gs2: `p=${channel.type},,`, channel: channel.data }),
    });
    this.send(auth(mechanism, scram.first.toString('base64')));
    const challenge = await this.next();
    if (challenge.name !== 'challenge') return challenge;
    const final = scram.final(Buffer.from(textIn(challenge), 'base64'));
    this.send(
      `<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${final.toString('base64')}</response>`,
    );
    const end = await this.next();
    if (end.name === 'success' && !scram.trusts(Buffer.from(textIn(end), 'base64')))
      throw new Error('the server does not prove that it knows the password');
    return end;
  }

  /** Binds a resource, or asks the server for one; answers the result or error. */
  async bind(resource?: string): Promise<Element> {
    const wanted = resource === undefined ? '' : `<resource>${resource}</resource>`;
    this.send(
      `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>${wanted}</bind></iq>`,
    );
    return this.next();
  }

  #newParser(): Parser {
    const parser = new Parser();
    const add = (heard: Heard) => {
      this.#heard.push(heard);
      this.#wake();
    };
    parser.on('start', (element) => add({ kind: 'header', element }));
    parser.on('element', (element) => add({ kind: 'element', element }));
    parser.on('end', () => add({ kind: 'end' }));
    parser.on('error', () => {});
    return parser;
  }

  #listen(socket: Socket): void {
    this.#parser = this.#newParser();
    socket.on('data', (chunk) => {
      this.text += chunk.toString();
      this.#parser.write(chunk.toString());
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  async #take(): Promise<Heard> {
    const found = this.#heard.shift();
    if (found !== undefined) return found;
    const arrival = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (this.#isClosed) throw new Error(`the connection is closed; it said: ${this.text}`);
    await within(arrival, `something to come; so far: ${this.text.slice(-500)}`);
    return this.#take();
  }
}

/** `<auth/>` with data in base64. */
export function auth(mechanism: string, data: string): string {
  return `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='${mechanism}'>${data}</auth>`;
}

/** The text in an element. */
export function textIn(element: Element): string {
  return element.children
    .map((child) => (typeof child === 'string' ? child : textIn(child)))
    .join('');
}

/** A client that has logged in over STARTTLS and bound a resource. */
export async function loggedIn(
  options: ClientOptions & {
    readonly user: string;
    readonly password: string;
    readonly resource?: string;
    /** Attributes of the last stream header. */
    readonly header?: string;
  },
): Promise<Client> {
  const client = await Client.connect(options);
  await client.open();
  if (options.tls === undefined) {
    await client.startTls();
    await client.open();
  }
  const answer = await client.plain(options.user, options.password);
  if (answer.name !== 'success') throw new Error(`no success but ${answer}`);
  await client.open(options.header);
  const bound = await client.bind(options.resource);
  if (bound.attrs.type !== 'result') throw new Error(`not bound: ${bound}`);
  return client;
}

/** Waits with a deadline. */
export async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
