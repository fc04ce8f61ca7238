/** The address at the other end of a connection; where a trusted proxy told it, that of the client behind it. */

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
