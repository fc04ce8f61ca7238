/** XMPP in a WebSocket (RFC 7395), to its user a socket with an ordinary stream in it. */
import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { attributeOf, Splitter } from './splitter.ts';

/** Where the WebSocket is. */
export interface FramedOptions {
  readonly host: string;
  readonly port: number;
  /** The name that is asked for by TLS and in the request. */
  readonly domain: string;
  /** The own address. */
  readonly localAddress: string;
}

const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';
const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const CLOSING = '</stream:stream>';

/** Puts each stanza that is written into a frame, and what comes in frames into a stream again. */
export class Framed extends Duplex {
  readonly #webSocket: WebSocket;
  readonly #splitter = new Splitter({
    stanza: (text) => this.#webSocket.send(standingAlone(text)),
    end: () => this.#webSocket.send(`<close xmlns='${FRAMING}'/>`),
  });

  constructor({ host, port, domain, localAddress }: FramedOptions) {
    super({ decodeStrings: false });
    this.#webSocket = new WebSocket(`wss://${host}:${port}/xmpp-websocket`, 'xmpp', {
      ...{ localAddress, servername: domain, headers: { Host: domain } },
      rejectUnauthorized: false, // the certificate of a server under test is its own
    });
    this.cork();
    this.#webSocket.on('open', () => this.uncork());
    this.#webSocket.on('message', (data: Buffer) => this.#onFrame(data.toString('latin1')));
    this.#webSocket.on('error', (error) => this.destroy(error));
    this.#webSocket.on('close', () => this.destroy());
  }

  override _read(): void {}

  override _write(text: string, _encoding: BufferEncoding, done: () => void): void {
    const header = text.indexOf('<stream:stream');
    if (header < 0) this.#splitter.write(text);
    else {
      const to = attributeOf(text.slice(header), 'to') ?? '';
      this.#webSocket.send(`<open xmlns='${FRAMING}' version='1.0' to='${to}'/>`);
      this.#splitter.restart();
      this.#splitter.write(text);
    }
    done();
  }

  override _final(done: () => void): void {
    this.#webSocket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#webSocket.terminate();
    done(error);
  }

  #onFrame(frame: string): void {
    if (frame.startsWith('<open')) this.push(HEADER);
    else if (frame.startsWith('<close')) this.push(CLOSING);
    else this.push(frame);
  }
}

/** §3.3.3: a frame names its own namespace. */
const standingAlone = (stanza: string) =>
  stanza.replace(/^<(iq|message|presence)(?=[\s/>])/, "<$1 xmlns='jabber:client'");
