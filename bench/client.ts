/** A minimal XMPP client: it writes strings and looks only for what its scenario waits for. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { beginScram, type KeyCache } from './scram.ts';
import { attributeOf, Splitter } from './splitter.ts';

/** Where clients connect to. */
export interface Endpoint {
  /** An address of this machine. */
  readonly host: string;
  readonly port: number;
  /** The XMPP domain. */
  readonly domain: string;
  /** Whether TLS comes first (XEP-0368) rather than by STARTTLS. */
  readonly isDirectTls: boolean;
  /** Shared by all clients: to make one costs more than a handshake. */
  readonly context: SecureContext;
  /** How long a login, or a goodbye, may take, in milliseconds. */
  readonly timeout: number;
}

/** Who logs in. */
export interface Account {
  readonly user: string;
  readonly password: string;
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
  readonly #splitter: Splitter;
  readonly #arrived: string[] = [];
  #socket: Socket;
  #waiter: Waiter | undefined;
  #failure: Error | undefined;
  #isLoggedIn = false;
  #isClosing = false;
  #out = '';
  #jid = '';

  private constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#splitter = new Splitter({
      stanza: (text) => this.#onStanza(text),
      end: () => this.#socket.end(),
    });
    this.#socket = endpoint.isDirectTls
      ? connectTls({ ...this.#tlsOptions(), host: endpoint.host, port: endpoint.port })
      : connect({ host: endpoint.host, port: endpoint.port });
    this.#socket.setNoDelay(true);
    this.#listen(this.#socket);
  }

  /**
   * Logs in: TCP, TLS, SASL, resource binding, roster, presence. Resolves when the roster is here and
   * the server has sent our own presence back (RFC 6121 §4.2.2), so that messages to the bare JID
   * reach us. Rejects on any other course and after the endpoint's timeout.
   * @param isAbsent to send no presence, so that nothing that was kept for the account comes
   */
  static async logIn(
    endpoint: Endpoint,
    account: Account,
    keys: KeyCache,
    isAbsent = false,
  ): Promise<Client> {
    const client = new Client(endpoint);
    const timer = setTimeout(
      () =>
        client.#fail(new Error(`${account.user} could not log in within ${endpoint.timeout} ms`)),
      endpoint.timeout,
    );
    try {
      if (!endpoint.isDirectTls) await client.#startTls();
      await client.#authenticate(account, keys);
      await client.#begin(isAbsent);
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

  /** The TLS version and cipher, as "TLSv1.3 TLS_AES_256_GCM_SHA384". */
  get encryption(): string {
    const { getProtocol, getCipher } = this.#socket as TLSSocket;
    return `${getProtocol.call(this.#socket)} ${getCipher.call(this.#socket).name}`;
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
    this.#socket = connectTls({ ...this.#tlsOptions(), socket: plain });
    this.#listen(this.#socket);
  }

  async #authenticate(account: Account, keys: KeyCache): Promise<void> {
    const features = await this.#openStream();
    if (!features.includes('>SCRAM-SHA-1<'))
      throw new Error(`the server does not offer SCRAM-SHA-1: ${features}`);
    const scram = beginScram(account.user, account.password, keys);
    const namespace = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
    this.send(`<auth ${namespace} mechanism='SCRAM-SHA-1'>${encode(scram.first)}</auth>`);
    const answer = await scram.answer(decode(await this.#expect('<challenge')));
    this.send(`<response ${namespace}>${encode(answer)}</response>`);
    scram.check(decode(await this.#expect('<success')));
  }

  async #begin(isAbsent: boolean): Promise<void> {
    await this.#openStream();
    this.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    const bound = await this.#expect('<iq');
    const jid = /<jid>([^<]+)<\/jid>/.exec(bound)?.[1];
    if (jid === undefined) throw new Error(`no resource was bound: ${bound}`);
    this.#jid = jid;
    this.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>");
    if (!isAbsent) this.send('<presence/>');
    let hasRoster = false;
    let hasPresence = isAbsent;
    while (!hasRoster || !hasPresence) {
      const stanza = await this.#next();
      if (stanza.startsWith('<iq')) hasRoster ||= attributeOf(stanza, 'id') === 'roster';
      if (stanza.startsWith('<presence')) hasPresence ||= attributeOf(stanza, 'from') === jid;
    }
  }

  /** Opens a stream and resolves to its features. */
  #openStream(): Promise<string> {
    this.#splitter.restart();
    this.send(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' ` +
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
    if (this.#isLoggedIn) {
      this.onStanza(text);
      return;
    }
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#arrived.push(text);
    else waiter.resolve(text);
  }

  #tlsOptions() {
    return {
      secureContext: this.#endpoint.context,
      servername: this.#endpoint.domain,
      rejectUnauthorized: false, // the certificate of a server under test is its own
      ALPNProtocols: ['xmpp-client'],
    };
  }

  #listen(socket: Socket): void {
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

const encode = (text: string) => Buffer.from(text).toString('base64');

/** The text of an element that holds base64. */
const decode = (element: string) =>
  Buffer.from(
    element.slice(element.indexOf('>') + 1, element.lastIndexOf('<')),
    'base64',
  ).toString();
