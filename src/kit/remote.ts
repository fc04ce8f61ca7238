/** The address at the other end of a connection; where a trusted proxy told it, that of the client behind it. */
import { isIPv6 } from 'node:net';

/** What has another end. */
export interface Ended {
  readonly remoteAddress?: string | undefined;
}

const told = new WeakMap<Ended, string>();

/** The other end's IP address; an IPv4 address on an IPv6 socket is named as what it is. */
export function remoteOf(socket: Ended): string | undefined {
  return told.get(socket) ?? socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
}

/** Notes who is at the other end in truth. */
export function tellRemote(socket: Ended, address: string): void {
  told.set(socket, address);
}

/** Notes that what is put over a socket has the same other end. */
export function sameRemote(over: Ended, under: Ended): void {
  const address = told.get(under);
  if (address !== undefined) told.set(over, address);
}

/**
 * What counts as one address where a limit goes by addresses: an IPv4 address, or the /64 network of an IPv6
 * one, since a single customer commonly holds a whole /64. What is no address is itself.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(gap).fill('0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
