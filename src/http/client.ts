/** Who is at the other end of a request, also where a reverse proxy stands between. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';
import type { Http2Bindings, HttpBindings } from '@hono/node-server';
import type { Context, Env } from 'hono';
import { remoteOf } from '../kit/remote.ts';

/** The environment of every app that is mounted on the server. */
export interface HttpEnv extends Env {
  Bindings: HttpBindings | Http2Bindings;
}

/** The other end of a request. */
export interface Client {
  /** The client's IP address; empty where there is none (a unix socket). */
  readonly address: string;
  /** Whether the client's own connection is TLS, to us or to a trusted proxy. */
  readonly isSecure: boolean;
  /** Whether the client is on this machine and no proxy says that it speaks for someone else. */
  readonly isLocal: boolean;
}

/** Tells who is at the other end of a request. */
export type ClientOf = (c: Context) => Client;

const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-real-ip'] as const;

/**
 * Makes a {@link ClientOf}.
 * @param trustedProxies addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed;
 * without any, what a request says of itself is never believed
 */
export function createClientOf(trustedProxies: readonly string[] = []): ClientOf {
  const trusted = addressList(trustedProxies);
  const clientOf = createRequestClientOf(trusted);
  return (c) => {
    const bindings: Partial<HttpEnv['Bindings']> = c.env ?? {};
    return clientOf(bindings.incoming?.socket, (name) => c.req.header(name));
  };
}

/** Makes what tells who upgrades a connection; see {@link createClientOf}. */
export function createUpgradeClientOf(
  trustedProxies: readonly string[] = [],
): (request: IncomingMessage) => Client {
  const clientOf = createRequestClientOf(addressList(trustedProxies));
  return (request) =>
    clientOf(request.socket, (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(',') : value;
    });
}

function createRequestClientOf(trusted: BlockList) {
  return (socket: Socket | undefined, header: (name: string) => string | undefined): Client => {
    const peer = peerOf(socket);
    const isForwarded = FORWARDING.some((name) => header(name) !== undefined);
    if (!isForwarded || !contains(trusted, peer.address))
      return { ...peer, isLocal: isLoopback(peer.address) && !isForwarded };
    // The last address that is not one of our proxies: what stands before it anyone can write.
    const chain = (header('x-forwarded-for') ?? '')
      .split(',')
      .map((each) => plainAddress(each.trim()));
    const address = chain.findLast((each) => !contains(trusted, each)) ?? '';
    return {
      address: isIP(address) === 0 ? peer.address : address,
      isSecure: header('x-forwarded-proto')?.split(',').at(-1)?.trim() === 'https',
      isLocal: false,
    };
  };
}

/** A list of addresses and networks (`192.0.2.0/24`) that can be asked; others are passed over. */
export function addressList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const prefix = Number(bits);
    if (isIP(address) === 0) continue;
    if (bits === undefined) list.addAddress(address, family);
    else if (Number.isInteger(prefix) && prefix >= 0 && prefix <= (family === 'ipv6' ? 128 : 32))
      list.addSubnet(address, prefix, family);
  }
  return list;
}

/** Whether a list has an address. */
export function contains(list: BlockList, address: string): boolean {
  const kind = isIP(address);
  return kind !== 0 && list.check(address, kind === 6 ? 'ipv6' : 'ipv4');
}

/** Whether an address is of this machine. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** The socket's own peer. Requests that were made without a socket (tests) have no address. */
function peerOf(socket: Socket | undefined): Pick<Client, 'address' | 'isSecure'> {
  return {
    address: socket === undefined ? '' : (remoteOf(socket) ?? ''),
    isSecure: socket !== undefined && 'encrypted' in socket && socket.encrypted === true,
  };
}

/** An IPv4 address that arrived on an IPv6 socket, written as what it is. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
