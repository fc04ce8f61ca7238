/** Name servers as the config and the system write them. */
import { isIP } from 'node:net';

/** A name server. */
export interface DnsServer {
  readonly address: string;
  readonly port: number;
}

const PORT = 53;

/**
 * Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`, the address with a
 * zone or without; undefined for anything else.
 */
export function parseServer(text: string): DnsServer | undefined {
  if (isIP(text) !== 0) return { address: text, port: PORT };
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  const port = digits === undefined ? PORT : Number(digits);
  const isRight = isIP(address) === (bracketed === undefined ? 4 : 6) && port > 0 && port < 65_536;
  return isRight ? { address, port } : undefined;
}

/** Whether an address is this machine's own. */
export const isLoopback = (address: string): boolean =>
  address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
