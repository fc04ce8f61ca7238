/** What a client asks for before TLS begins: the ClientHello of RFC 8446 §4.1.2, read without any key. */

/** The protocols that a client offers, in the order of its preference (RFC 7301 §3.1). */
export interface Hello {
  readonly alpn: readonly string[];
}

const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const ALPN = 16;

/** Reads numbers and parts of a buffer; beyond its end there is `undefined`. */
class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A number of so many bytes. */
  number(size: 1 | 2 | 3): number | undefined {
    if (this.#at + size > this.#bytes.length) return undefined;
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  /** So many bytes. */
  take(size: number | undefined): Buffer | undefined {
    if (size === undefined || this.#at + size > this.#bytes.length) return undefined;
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** A part that is preceded by its length, in so many bytes. */
  part(size: 1 | 2): Buffer | undefined {
    return this.take(this.number(size));
  }
}

/**
 * Reads a ClientHello; it may come in several records (RFC 8446 §5.1).
 * @returns `more` while it is not whole; undefined if it is none
 */
export function readHello(bytes: Buffer): Hello | 'more' | undefined {
  const handshake = handshakeIn(bytes);
  if (handshake === undefined || handshake === 'more') return handshake;
  const reader = new Reader(handshake);
  reader.take(2 + 32); // version, random
  reader.part(1); // session
  reader.part(2); // ciphers
  if (reader.part(1) === undefined) return undefined; // compression
  if (reader.isAtEnd) return { alpn: [] };
  const extensions = reader.part(2);
  if (extensions === undefined) return undefined;
  const each = new Reader(extensions);
  while (!each.isAtEnd) {
    const type = each.number(2);
    const data = each.part(2);
    if (data === undefined) return undefined;
    if (type === ALPN) return protocolsIn(data);
  }
  return { alpn: [] };
}

/** The body of the first handshake message, out of the records that it is in. */
function handshakeIn(bytes: Buffer): Buffer | 'more' | undefined {
  const records = new Reader(bytes);
  let message = Buffer.alloc(0);
  while (!records.isAtEnd) {
    const type = records.number(1);
    if (type !== HANDSHAKE) return undefined;
    if (records.number(2) === undefined) return 'more'; // version
    const fragment = records.part(2);
    if (fragment === undefined) return 'more';
    message = Buffer.concat([message, fragment]);
    if (message.length === 0) return undefined; // RFC 8446 §5.1: no empty fragments
    if (message[0] !== CLIENT_HELLO) return undefined;
    if (message.length < 4) continue;
    const length = message.readUIntBE(1, 3);
    if (message.length >= 4 + length) return message.subarray(4, 4 + length);
  }
  return 'more';
}

function protocolsIn(data: Buffer): Hello | undefined {
  const list = new Reader(data).part(2);
  if (list === undefined) return undefined;
  const alpn: string[] = [];
  const names = new Reader(list);
  while (!names.isAtEnd) {
    const name = names.part(1);
    if (name === undefined) return undefined;
    alpn.push(name.toString('latin1'));
  }
  return { alpn };
}
