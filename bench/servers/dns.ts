/**
 * A DNS server on loopback by which servers under test find each other: it knows SRV records and one
 * address, over UDP, and says of everything else that it does not exist.
 */
import { createSocket } from 'node:dgram';

/** Where the servers of a domain take others. */
export interface Place {
  /** A name that the system resolves too: ejabberd asks us for SRV alone. */
  readonly target: string;
  readonly port: number;
}

/** A running DNS server. */
export interface Dns {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

const A = 1;
const SRV = 33;
const HEADER_BYTES = 12;
/** QR, AA and RA; the query's RD is given back. */
const RESPONSE = 0x8480;
const NXDOMAIN = 3;
const TTL = 60;

/** Starts it. */
export async function startDns(host: string, places: ReadonlyMap<string, Place>): Promise<Dns> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const answer = answerTo(query, places);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, host, resolve);
  });
  const { port } = socket.address();
  const stop = () => new Promise<void>((resolve) => socket.close(() => resolve()));
  return { host, port, stop };
}

/** The answer to a query (RFC 1035 §4.1); undefined to what is none. */
export function answerTo(query: Buffer, places: ReadonlyMap<string, Place>): Buffer | undefined {
  if (query.length <= HEADER_BYTES || query.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5; // the root label, type and class
  if (query.length < end) return undefined;
  const records = recordsOf(labels.join('.').toLowerCase(), query.readUInt16BE(at + 1), places);
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  const isAsked = query.readUInt16BE(2) & 0x0100;
  header.writeUInt16BE(RESPONSE | isAsked | (records === undefined ? NXDOMAIN : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records?.length ?? 0, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...(records ?? [])]);
}

/** The records of a type; undefined where there is no such name. */
function recordsOf(
  name: string,
  type: number,
  places: ReadonlyMap<string, Place>,
): Buffer[] | undefined {
  if (name === 'localhost') return type === A ? [record(A, Buffer.from([127, 0, 0, 1]))] : [];
  const place = places.get(name.replace(/^_xmpp-server\._tcp\./, ''));
  if (place === undefined || !name.startsWith('_xmpp-server._tcp.')) return undefined;
  if (type !== SRV) return [];
  const data = Buffer.alloc(6);
  data.writeUInt16BE(place.port, 4);
  return [record(SRV, Buffer.concat([data, encoded(place.target)]))];
}

/** A record of the name that was asked for. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(TTL, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

const encoded = (name: string) =>
  Buffer.concat([
    ...name
      .split('.')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
