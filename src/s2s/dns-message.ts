/**
 * Messages of DNS (RFC 1035 §4) as bytes. What a server sends is read as a stranger's: names are
 * bounded, compression cannot run in circles, counts are bounded, and what is broken is undefined.
 */

/** The record types that are asked for. */
export type QueryType = 'A' | 'AAAA' | 'CNAME' | 'SRV' | 'TLSA';

/** An SRV record (RFC 2782). */
export interface SrvRecord {
  /** Lower case, without the dot of the root; empty for "not available here" (a target of `.`). */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A TLSA record (RFC 6698 §2.1). */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  readonly data: Buffer;
}

/** What a record of each type says: addresses and names as text. */
export interface RecordData {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly SRV: SrvRecord;
  readonly TLSA: TlsaRecord;
}

/** The numbers of the types (RFC 1035 §3.2.2, RFC 3596, RFC 2782, RFC 6698). */
export const TYPE_NUMBERS = { A: 1, CNAME: 5, AAAA: 28, SRV: 33, TLSA: 52 } as const;

/** Response codes that matter (RFC 1035 §4.1.1, RFC 2136 §2.2). */
export const RCODE = {
  ok: 0,
  formatError: 1,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
} as const;

/** A record as it came; `ttl` in seconds. */
export interface ResourceRecord {
  /** Lower case, as {@link decodeBody} writes names. */
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  /** What it says, for the types of {@link RecordData}; undefined for others. */
  readonly data: RecordData[QueryType] | undefined;
}

/** What stands in front of the records. */
export interface MessageHead {
  readonly id: number;
  readonly isResponse: boolean;
  readonly isTruncated: boolean;
  /** The AD bit: the server has validated all of the answer (RFC 4035 §3.2.3). */
  readonly isAuthentic: boolean;
  readonly rcode: number;
  readonly question: { readonly name: string; readonly type: number } | undefined;
  /** Where the records begin. */
  readonly end: number;
  readonly counts: { readonly answers: number; readonly authorities: number };
}

/** The records of a message. */
export interface MessageBody {
  readonly answers: readonly ResourceRecord[];
  /** How long a "there is none" holds, in seconds (RFC 2308 §5); undefined without a SOA. */
  readonly negativeTtl: number | undefined;
}

const CLASS_IN = 1;
const SOA = 6;
const OPT = 41;
/** RFC 1035 §3.1, as it is on the wire. */
const MAX_NAME = 255;
/** More records than this are no answer to an honest question. */
const MAX_RECORDS = 256;
/** What fits into one packet nearly everywhere, so that answers are not cut by fragments. */
const UDP_PAYLOAD = 1232;
const FLAG = {
  response: 0x8000,
  opcode: 0x7800,
  truncated: 0x0200,
  recurse: 0x0100,
  authentic: 0x20,
};

/**
 * Writes a question. It asks for recursion, and with the AD bit to be told whether the answer was
 * validated (RFC 6840 §5.7).
 * @param name without the dot of the root
 * @param withEdns whether larger packets are offered (RFC 6891); a few old servers refuse that
 * @returns undefined for what is no name for DNS
 */
export function encodeQuery(
  id: number,
  name: string,
  type: number,
  withEdns: boolean,
): Buffer | undefined {
  const labels = name === '' ? [] : name.split('.').map((label) => Buffer.from(label, 'latin1'));
  const length = labels.reduce((sum, label) => sum + label.length + 1, 1);
  if (length > MAX_NAME || labels.some((each) => each.length === 0 || each.length > 63))
    return undefined;
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(FLAG.recurse | FLAG.authentic, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(withEdns ? 1 : 0, 10);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(type, 0);
  tail.writeUInt16BE(CLASS_IN, 2);
  const edns = Buffer.alloc(11); // the name of the root, and no options
  edns.writeUInt16BE(OPT, 1);
  edns.writeUInt16BE(UDP_PAYLOAD, 3);
  return Buffer.concat([
    head,
    ...labels.flatMap((label) => [Buffer.from([label.length]), label]),
    Buffer.from([0]),
    tail,
    ...(withEdns ? [edns] : []),
  ]);
}

/** Reads what stands in front of the records; undefined when it is broken. */
export function decodeHead(bytes: Buffer): MessageHead | undefined {
  return whole(() => {
    const flags = bytes.readUInt16BE(2);
    const questions = bytes.readUInt16BE(4);
    if ((flags & FLAG.opcode) !== 0 || questions > 1) return undefined;
    const asked = questions === 1 ? readQuestion(bytes) : undefined;
    return {
      id: bytes.readUInt16BE(0),
      isResponse: (flags & FLAG.response) !== 0,
      isTruncated: (flags & FLAG.truncated) !== 0,
      isAuthentic: (flags & FLAG.authentic) !== 0,
      rcode: flags & 0xf,
      question: asked,
      end: asked?.end ?? 12,
      counts: { answers: bytes.readUInt16BE(6), authorities: bytes.readUInt16BE(8) },
    };
  });
}

function readQuestion(bytes: Buffer): { name: string; type: number; end: number } | undefined {
  const { name, next } = readName(bytes, 12);
  if (bytes.readUInt16BE(next + 2) !== CLASS_IN) return undefined;
  return { name, type: bytes.readUInt16BE(next), end: next + 4 };
}

/** Reads the records of a message; undefined when one of them is broken. */
export function decodeBody(bytes: Buffer, head: MessageHead): MessageBody | undefined {
  const { answers, authorities } = head.counts;
  if (answers + authorities > MAX_RECORDS) return undefined;
  return whole(() => {
    const records: ResourceRecord[] = [];
    let negativeTtl: number | undefined;
    let at = head.end;
    for (let index = 0; index < answers + authorities; index += 1) {
      const { name, next } = readName(bytes, at);
      const type = bytes.readUInt16BE(next);
      const isInternet = bytes.readUInt16BE(next + 2) === CLASS_IN;
      const ttl = readTtl(bytes, next + 4);
      const start = next + 10;
      at = start + bytes.readUInt16BE(next + 8);
      if (at > bytes.length) return undefined;
      if (!isInternet) continue;
      if (index < answers)
        records.push({ name, type, ttl, data: readData(bytes, start, at, type) });
      else if (type === SOA) negativeTtl = Math.min(ttl, readTtl(bytes, at - 4));
    }
    return { answers: records, negativeTtl };
  });
}

/** RFC 2181 §8: a TTL with its highest bit set is zero. */
function readTtl(bytes: Buffer, at: number): number {
  const ttl = bytes.readUInt32BE(at);
  return ttl > 0x7fff_ffff ? 0 : ttl;
}

function readData(
  bytes: Buffer,
  start: number,
  end: number,
  type: number,
): RecordData[QueryType] | undefined {
  const data = bytes.subarray(start, end);
  switch (type) {
    case TYPE_NUMBERS.A:
      return data.length === 4 ? data.join('.') : undefined;
    case TYPE_NUMBERS.AAAA:
      return data.length === 16 ? ipv6Text(data) : undefined;
    case TYPE_NUMBERS.CNAME:
      return readName(bytes, start).name;
    case TYPE_NUMBERS.SRV:
      return {
        priority: data.readUInt16BE(0),
        weight: data.readUInt16BE(2),
        port: data.readUInt16BE(4),
        target: readName(bytes, start + 6).name,
      };
    case TYPE_NUMBERS.TLSA:
      return {
        usage: data.readUInt8(0),
        selector: data.readUInt8(1),
        matching: data.readUInt8(2),
        data: Buffer.from(data.subarray(3)), // a copy: the packet is not kept for it
      };
    default:
      return undefined;
  }
}

/** RFC 5952: the canonical text. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    bytes.readUInt16BE(index * 2).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/**
 * Reads a name: lower case, without the dot of the root, bytes that no host name has as `\ddd`, so
 * that such a name is equal to none that was asked for.
 * @throws RangeError when it is broken
 */
function readName(bytes: Buffer, start: number): { name: string; next: number } {
  const labels: string[] = [];
  let length = 1;
  let at = start;
  let next: number | undefined;
  let limit = start;
  for (;;) {
    const size = bytes.readUInt8(at);
    if (size === 0) return { name: labels.join('.'), next: next ?? at + 1 };
    if (size >= 0xc0) {
      // §4.1.4: to a prior occurrence. Each jump goes further back, so there is no circle.
      const to = bytes.readUInt16BE(at) & 0x3fff;
      if (to >= limit) throw new RangeError('a name points forward');
      next ??= at + 2;
      at = to;
      limit = to;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > MAX_NAME || at + 1 + size > bytes.length)
      throw new RangeError('a name is too long');
    labels.push(labelText(bytes.subarray(at + 1, at + 1 + size)));
    at += size + 1;
  }
}

const labelText = (label: Buffer): string =>
  label
    .toString('latin1')
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
    .replace(/[^a-z0-9_-]/g, (odd) => `\\${String(odd.charCodeAt(0)).padStart(3, '0')}`);

/** Runs a reader; undefined when it ran over the end. */
function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
