/** The header of the PROXY protocol (HAProxy's proxy-protocol.txt, §2), of both versions. */
import { isIP } from 'node:net';
import type { Found } from './peek.ts';

/** The client's address; undefined where the proxy speaks for itself, or does not know. */
export interface Proxied {
  readonly address: string | undefined;
}

/** §2.1: the longest line, its end included. */
const LINE_MOST = 107;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_BYTES = 16;
/** The most bytes of a header: beyond the addresses there may be a few facts, which are passed over. */
export const PROXY_HEADER_MOST = 4096;

const PORT = /^(?:0|[1-9]\d{0,4})$/;
const PORT_MOST = 65_535;

/** Reads a header of either version; undefined if there is none, or one that breaks the rules. */
export function readProxyHeader(bytes: Buffer): Found<Proxied> | 'more' | undefined {
  const begin = bytes.subarray(0, SIGNATURE.length);
  if (begin.equals(SIGNATURE.subarray(0, begin.length))) return readBinary(bytes);
  return readLine(bytes);
}

/** §2.1 */
function readLine(bytes: Buffer): Found<Proxied> | 'more' | undefined {
  const text = bytes.toString('latin1', 0, LINE_MOST);
  const word = 'PROXY ';
  if (!text.startsWith(word.slice(0, text.length))) return undefined;
  const end = text.indexOf('\r\n');
  if (end === -1) return bytes.length < LINE_MOST ? 'more' : undefined;
  const skip = end + 2;
  const line = text.slice(word.length, end);
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN '))
    return { value: { address: undefined }, skip };
  const [kind, source = '', target = '', ...ports] = line.split(' ');
  const family = kind === 'TCP4' ? 4 : kind === 'TCP6' ? 6 : undefined;
  const isRight =
    family !== undefined &&
    isIP(source) === family &&
    isIP(target) === family &&
    !source.includes('%') &&
    ports.length === 2 &&
    ports.every((port) => PORT.test(port) && Number(port) <= PORT_MOST);
  return isRight ? { value: { address: canonical(source) }, skip } : undefined;
}

const LOCAL = 0x20;
const PROXY = 0x21;
const INET = 1;
const INET6 = 2;
const STREAM = 1;
/** The bytes of the addresses and ports by family: none, IPv4, IPv6, UNIX. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const;
const PROTOCOL_MOST = 2;

/** §2.2 */
function readBinary(bytes: Buffer): Found<Proxied> | 'more' | undefined {
  if (bytes.length < FIXED_BYTES) return 'more';
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13) >> 4;
  const protocol = bytes.readUInt8(13) & 0xf;
  const length = bytes.readUInt16BE(14);
  const skip = FIXED_BYTES + length;
  if (skip > PROXY_HEADER_MOST) return undefined;
  if (command !== LOCAL) {
    const least = ADDRESS_BYTES[family];
    if (command !== PROXY || least === undefined || length < least) return undefined;
    if (protocol > PROTOCOL_MOST) return undefined;
  }
  if (bytes.length < skip) return 'more';
  const block = bytes.subarray(FIXED_BYTES, skip);
  const isTold = command === PROXY && protocol === STREAM;
  return { value: { address: isTold ? sourceIn(block, family) : undefined }, skip };
}

function sourceIn(block: Buffer, family: number): string | undefined {
  if (family === INET) return [...block.subarray(0, 4)].join('.');
  if (family !== INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, at) => block.readUInt16BE(at * 2).toString(16));
  return canonical(groups.join(':'));
}

/** RFC 5952 §4, and an IPv4 address at an IPv6 socket as what it is: an address is the same however it came. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address;
  const { hostname } = new URL(`http://[${address}]`);
  const [, high, low] = MAPPED.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return hostname.slice(1, -1);
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join('.');
}

/** RFC 4291 §2.5.5.2, as the URL standard writes it. */
const MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;
