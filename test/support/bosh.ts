/** A client of BOSH (XEP-0124) that sends and reads requests as they are. */
import type { Element } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';
import { within } from './client.ts';

const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const XBOSH = "xmlns:xmpp='urn:xmpp:xbosh'";

/** An answer. */
export interface BoshAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** The attributes of its `<body/>`; empty where it has none. */
  readonly attrs: Readonly<Element['attrs']>;
}

/** A client at one address. */
export class BoshClient {
  rid = 1_573_741_820;
  sid = '';
  /** All answers so far. */
  heard = '';
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #abort = new AbortController();

  /** @param fetcher what sends requests in place of `fetch` */
  constructor(url: string, fetcher = fetch) {
    this.#url = url;
    this.#fetch = fetcher;
  }

  /** Sends a text as it is. */
  post(text: string | Buffer, init: RequestInit = {}): Promise<BoshAnswer> {
    const answer = this.#post(text, init);
    answer.catch(() => {}); // whoever vanishes waits for nothing
    return answer;
  }

  async #post(text: string | Buffer, init: RequestInit): Promise<BoshAnswer> {
    const signal = init.signal ?? this.#abort.signal;
    const body = typeof text === 'string' ? text : new Uint8Array(text);
    const response = await within(
      this.#fetch(this.#url, { method: 'POST', body, ...init, signal }),
      'an answer',
    );
    const answer = await response.text();
    this.heard += answer;
    const parsed = parseElement(answer);
    return {
      status: response.status,
      type: response.headers.get('content-type') ?? '',
      text: answer,
      attrs: parsed.ok ? parsed.element.attrs : {},
    };
  }

  /** Asks for a session. */
  async open(attrs = "ver='1.6' wait='60' hold='1'", payload = ''): Promise<BoshAnswer> {
    const answer = await this.post(
      `<body rid='${this.rid}' to='localhost' xml:lang='en' xmpp:version='1.0' ${attrs} ${NS} ${XBOSH}>${payload}</body>`,
    );
    this.sid = answer.attrs['sid'] ?? '';
    return answer;
  }

  /** The next request as a text. */
  text(payload = '', attrs = '', rid = ++this.rid): string {
    return `<body rid='${rid}' sid='${this.sid}' ${attrs} ${NS} ${XBOSH}>${payload}</body>`;
  }

  /** Sends the next request. */
  ask(payload = '', attrs = '', rid?: number): Promise<BoshAnswer> {
    return this.post(this.text(payload, attrs, rid));
  }

  /** Logs in, and binds a resource. */
  async login(user: string, password: string, opening?: string): Promise<this> {
    await this.open(opening);
    const data = Buffer.from(`\0${user}\0${password}`).toString('base64');
    await this.until(
      /<success /,
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`,
    );
    await this.until(/<stream:features>/, '', "xmpp:restart='true' to='localhost'");
    await this.until(
      /type="result" id="b"/,
      "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
    );
    return this;
  }

  /** Sends a request, and empty ones until an answer has this. */
  async until(wanted: RegExp, payload: string, attrs = ''): Promise<string> {
    let { text } = await this.ask(payload, attrs);
    for (let tries = 0; !wanted.test(text) && tries < 20; tries++) {
      if (text.includes("type='terminate'")) throw new Error(text);
      text = (await this.ask()).text;
    }
    return text;
  }

  /** Breaks all requests off. */
  vanish(): void {
    this.#abort.abort();
  }
}
