/**
 * The PROXY protocol at a port: connections from proxies that speak it begin with a header, which tells who is
 * behind them. It is never guessed whether there is one (§2): those proxies must send it, and nobody else may.
 */
import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';
import { peek } from './peek.ts';
import { PROXY_HEADER_MOST, readProxyHeader } from './proxy-header.ts';
import { remoteOf, tellRemote } from './remote.ts';

/**
 * Gives a connection to `next`, at once or when its header was read; it is closed if that is wrong. One that
 * had a header is paused: see {@link resumeSoon}.
 */
export type ProxyGate = (socket: Socket, next: () => void) => void;

/** Lets a paused connection flow once its new owner listens. */
export function resumeSoon(socket: Socket): void {
  if (socket.isPaused()) process.nextTick(() => socket.resume());
}

/** Where no proxy speaks it. */
export const noProxies: ProxyGate = (_, next) => next();

const WITHIN_MS = 5000;

/** What the gate needs. */
export interface ProxyGateOptions {
  readonly clock: Clock;
  /** Whether connections from this address must begin with a header. */
  isProxy(address: string): boolean;
  /** A header is missing or wrong. */
  refused(address: string): void;
}

/** Makes the gate. */
export function createProxyGate({ clock, isProxy, refused }: ProxyGateOptions): ProxyGate {
  return (socket, next) => {
    const proxy = remoteOf(socket) ?? '';
    if (!isProxy(proxy)) {
      next();
      return;
    }
    const options = { clock, withinMs: WITHIN_MS, most: PROXY_HEADER_MOST, judge: readProxyHeader };
    void peek(socket, options).then((found) => {
      if (found === undefined) {
        refused(proxy);
        return;
      }
      if (found.address !== undefined) tellRemote(socket, found.address);
      next();
    });
  };
}
