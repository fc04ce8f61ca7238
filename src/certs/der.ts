/** ASN.1 as node-forge has it, in the few shapes that certificates are made of. */
import forge from 'node-forge';

const { asn1 } = forge;

/** A node of ASN.1. */
export type Asn1 = forge.asn1.Asn1;

const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { Type } = asn1;

/** The kinds of text that names in certificates use. */
export type TextKind = 'utf8' | 'ia5' | 'printable';
const TEXT_TYPES = { utf8: Type.UTF8, ia5: Type.IA5STRING, printable: Type.PRINTABLESTRING };

const primitive = (type: forge.asn1.Type, value: string) =>
  asn1.create(UNIVERSAL, type, false, value);

/** SEQUENCE. */
export const sequence = (...items: Asn1[]): Asn1 =>
  asn1.create(UNIVERSAL, Type.SEQUENCE, true, items);
/** SET. */
export const set = (...items: Asn1[]): Asn1 => asn1.create(UNIVERSAL, Type.SET, true, items);
/** OBJECT IDENTIFIER, from its dotted form. */
export const oid = (dotted: string): Asn1 => primitive(Type.OID, asn1.oidToDer(dotted).getBytes());
/** INTEGER, from its big-endian bytes. */
export const integer = (bytes: Buffer): Asn1 => primitive(Type.INTEGER, bytes.toString('latin1'));
/** BOOLEAN. */
export const boolean = (value: boolean): Asn1 => primitive(Type.BOOLEAN, value ? '\xff' : '\x00');
/** NULL. */
export const nothing = (): Asn1 => primitive(Type.NULL, '');
/** OCTET STRING. */
export const octets = (bytes: Buffer): Asn1 =>
  primitive(Type.OCTETSTRING, bytes.toString('latin1'));
/** BIT STRING of whole bytes, or with some unused bits at the end. */
export const bits = (bytes: Buffer, unused = 0): Asn1 =>
  primitive(Type.BITSTRING, String.fromCharCode(unused) + bytes.toString('latin1'));
/** A character string. */
export const text = (kind: TextKind, value: string): Asn1 =>
  primitive(TEXT_TYPES[kind], Buffer.from(value, 'utf8').toString('latin1'));
/** A context-specific tag around other nodes. */
export const tagged = (tag: number, ...items: Asn1[]): Asn1 =>
  asn1.create(CONTEXT_SPECIFIC, tag, true, items);
/** A context-specific tag in place of a primitive's own (IMPLICIT). */
export const taggedBytes = (tag: number, bytes: Buffer): Asn1 =>
  asn1.create(CONTEXT_SPECIFIC, tag, false, bytes.toString('latin1'));

/** A time: UTCTime until 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5). */
export function time(ms: number): Asn1 {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

/** Writes a node as DER. */
export const encode = (node: Asn1): Buffer => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');

/** Reads DER; undefined when it is none. */
export function decode(bytes: Buffer): Asn1 | undefined {
  try {
    return asn1.fromDer(bytes.toString('latin1'));
  } catch {
    return undefined;
  }
}

/** The nodes inside a node; none if it is primitive. */
export const inside = (node: Asn1 | undefined): readonly Asn1[] =>
  Array.isArray(node?.value) ? node.value : [];

/** The bytes of a primitive node; none if it is constructed. */
export const bytesOf = (node: Asn1 | undefined): Buffer =>
  typeof node?.value === 'string' ? Buffer.from(node.value, 'latin1') : Buffer.alloc(0);

/** The dotted form of an OBJECT IDENTIFIER; empty if the node is none. */
export function oidOf(node: Asn1 | undefined): string {
  return node?.type === Type.OID && node.tagClass === UNIVERSAL && typeof node.value === 'string'
    ? asn1.derToOid(node.value)
    : '';
}

/** Whether a node carries a context-specific tag. */
export const isTagged = (node: Asn1 | undefined, tag: number): boolean =>
  node?.tagClass === CONTEXT_SPECIFIC && node.type === (tag as forge.asn1.Type);

/** Writes DER as PEM. */
export const pem = (label: string, der: Buffer): string =>
  forge.pem.encode({ type: label, body: der.toString('latin1') }).replaceAll('\r\n', '\n');
