/** A DNS server of the test's own, over UDP and TCP on one free port of a loopback address. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { TYPE_NUMBERS } from '../../src/s2s/dns-message.ts';

/** The records of one name, each as a zone file has it; or how the server fails for that name. */
export type ZoneEntry =
  | {
      readonly A?: readonly string[];
      readonly AAAA?: readonly string[];
      readonly CNAME?: string;
      /** `priority weight port target`, the target `.` or a name. */
      readonly SRV?: readonly string[];
      /** `usage selector matching hex`. */
      readonly TLSA?: readonly string[];
      /** Types that are never answered. */
      readonly silent?: readonly (keyof typeof TYPE_NUMBERS)[];
      /** In seconds; otherwise that of the server. */
      readonly ttl?: number;
    }
  | 'SERVFAIL'
  | 'REFUSED'
  | 'silence';

/** Names without the dot at the end, lower case. A name that is not there, nor above one, is NXDOMAIN. */
export type Zone = Readonly<Record<string, ZoneEntry>>;

/** How the server behaves. */
export interface DnsOptions {
  readonly address?: string;
  readonly port?: number;
  /** Seconds, for names that say nothing else. */
  readonly ttl?: number;
  /** Whether it says (AD bit) that all it answers was validated. */
  readonly isAuthentic?: boolean;
  /** Over UDP, larger answers are cut (TC bit). */
  readonly maxUdp?: number;
  /** Whether it answers FORMERR to EDNS. */
  readonly refusesEdns?: boolean;
  /** Seconds, in the SOA of negative answers; false sends no SOA. */
  readonly negativeTtl?: number | false;
  /** Answers in the server's place, with any bytes; undefined leaves it to the server. */
  readonly instead?: (query: Buffer, isTcp: boolean) => readonly Buffer[] | undefined;
}

/** A running server. */
export interface TestDns {
  /** As `dns.servers` has it. */
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** What was asked, such as `SRV _xmpp-server._tcp.a.example`, with ` tcp` after it over TCP. */
  readonly questions: string[];
  /** Replaces all that it knows. */
  serve(zone: Zone): void;
  stop(): Promise<void>;
}

const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5, FORMERR: 1 } as const;

/** Starts a server. */
export async function startDns(first: Zone = {}, options: DnsOptions = {}): Promise<TestDns> {
  const { address = '127.0.0.1', maxUdp = 1232, instead } = options;
  let zone = first;
  const questions: string[] = [];
  const { udp, tcp } = await bind(address, options.port ?? 0);
  const { port } = udp.address();
  const open = new Set<Socket>();

  const answers = (query: Buffer, isTcp: boolean): readonly Buffer[] => {
    const asked = readQuestion(query);
    questions.push(`${typeName(asked.type)} ${asked.name}${isTcp ? ' tcp' : ''}`);
    const own = instead?.(query, isTcp);
    if (own !== undefined) return own;
    const answer = answerTo(query, zone, options);
    if (answer === undefined) return [];
    return [isTcp || answer.length <= maxUdp ? answer : truncated(answer, asked.end)];
  };
  udp.on('message', (query, from) => {
    for (const answer of answers(query, false)) udp.send(answer, from.port, from.address);
  });
  tcp.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= held.readUInt16BE(0) + 2) {
        const size = held.readUInt16BE(0);
        for (const answer of answers(held.subarray(2, size + 2), true))
          socket.write(Buffer.concat([uint16(answer.length), answer]));
        held = held.subarray(size + 2);
      }
    });
  });
  return {
    server: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    address,
    port,
    questions,
    serve(next) {
      zone = next;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}

/** Takes the same port for both; another one where it is not free for TCP. */
async function bind(address: string, port: number): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let tries = 0; ; tries += 1) {
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject).bind(port, address, resolve);
    });
    const tcp = createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        tcp.once('error', reject).listen(udp.address().port, address, resolve);
      });
      return { udp, tcp };
    } catch (error) {
      udp.close();
      if (port !== 0 || tries > 20) throw error;
    }
  }
}

/** The answer to a query by a zone; undefined for silence. */
export function answerTo(query: Buffer, zone: Zone, options: DnsOptions = {}): Buffer | undefined {
  const { name, type, end } = readQuestion(query);
  if (options.refusesEdns === true && query.readUInt16BE(10) > 0)
    return message(query, end, RCODES.FORMERR, false, [], []);
  const records: Buffer[] = [];
  let at = name;
  let hasType = false;
  for (let aliases = 0; aliases < 20; aliases += 1) {
    const entry = zone[at];
    if (entry === 'silence') return undefined;
    if (entry === 'SERVFAIL' || entry === 'REFUSED')
      return message(query, end, RCODES[entry], false, [], []);
    if (entry === undefined) break;
    if (entry.silent?.some((each) => TYPE_NUMBERS[each] === type) === true) return undefined;
    const ttl = entry.ttl ?? options.ttl ?? 300;
    if (entry.CNAME !== undefined) {
      records.push(record(at, TYPE_NUMBERS.CNAME, ttl, nameBytes(entry.CNAME)));
      at = entry.CNAME;
      continue;
    }
    const wanted = dataOf(entry, type);
    records.push(...wanted.map((data) => record(at, type, ttl, data)));
    hasType = wanted.length > 0;
    break;
  }
  const isKnown = Object.keys(zone).some((each) => each === at || each.endsWith(`.${at}`));
  const { negativeTtl = 60 } = options;
  const authority = !hasType && negativeTtl !== false ? [soa(at, negativeTtl)] : [];
  const rcode = isKnown ? 0 : RCODES.NXDOMAIN;
  return message(query, end, rcode, options.isAuthentic === true, records, authority);
}

function dataOf(entry: Exclude<ZoneEntry, string>, type: number): readonly Buffer[] {
  switch (type) {
    case TYPE_NUMBERS.A:
      return (entry.A ?? []).map((text) => Buffer.from(text.split('.').map(Number)));
    case TYPE_NUMBERS.AAAA:
      return (entry.AAAA ?? []).map(ipv6Bytes);
    case TYPE_NUMBERS.SRV:
      return (entry.SRV ?? []).map((text) => {
        const [priority, weight, port, target = ''] = text.split(' ');
        return Buffer.concat([
          ...[priority, weight, port].map((each) => uint16(Number(each))),
          nameBytes(target),
        ]);
      });
    case TYPE_NUMBERS.TLSA:
      return (entry.TLSA ?? []).map((text) => {
        const [usage, selector, matching, hex = ''] = text.split(' ');
        return Buffer.concat([
          Buffer.from([usage, selector, matching].map(Number)),
          Buffer.from(hex, 'hex'),
        ]);
      });
    default:
      return [];
  }
}

/** What a query asks; `end` is where its question ends. */
export function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let size = query.readUInt8(at); size > 0; size = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + size));
    at += size + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The head of an answer and its question, before records that a test writes by itself. */
export function answerHead(query: Buffer, answers: number, flags = 0x8180): Buffer {
  const { end } = readQuestion(query);
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(answers, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  return head;
}

function message(
  query: Buffer,
  end: number,
  rcode: number,
  isAuthentic: boolean,
  answers: readonly Buffer[],
  authorities: readonly Buffer[],
): Buffer {
  const head = answerHead(query.subarray(0, end), answers.length);
  head.writeUInt16BE(0x8180 | rcode | (isAuthentic ? 0x20 : 0), 2);
  head.writeUInt16BE(authorities.length, 8);
  return Buffer.concat([head, ...answers, ...authorities]);
}

function truncated(answer: Buffer, end: number): Buffer {
  const head = Buffer.from(answer.subarray(0, end));
  head.writeUInt16BE(head.readUInt16BE(2) | 0x0200, 2);
  head.fill(0, 6, 12);
  return head;
}

/** A record as it is on the wire. */
export function record(name: string, type: number, ttl: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(name), fixed, data]);
}

/** A name as it is on the wire, without compression; `.` or nothing is the root. */
export function nameBytes(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.').filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) =>
      Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    ),
    Buffer.from([0]),
  ]);
}

function soa(name: string, minimum: number): Buffer {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(minimum, 16);
  const data = Buffer.concat([nameBytes('ns.test'), nameBytes('admin.test'), numbers]);
  return record(name.split('.').slice(-2).join('.'), 6, 3600, data);
}

function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - groups(head).length - after.length }, () => '0');
  return Buffer.concat(
    [...groups(head), ...zeros, ...after].map((each) => uint16(Number.parseInt(each, 16))),
  );
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value, 0);
  return bytes;
}

const typeName = (type: number): string =>
  Object.entries(TYPE_NUMBERS).find(([, number]) => number === type)?.[0] ?? String(type);
