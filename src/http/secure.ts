/** TLS before HTTP: each connection is secured first, with the certificate that is right by then. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import { remoteOf, sameRemote } from '../kit/remote.ts';

/** How connections are secured. */
export interface SecureOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Within so many ms TLS must be there. */
  readonly handshakeMs: number;
  /** The options of the next connection: a certificate that was replaced is not given again. */
  tls(): TLSSocketOptions;
  /** Takes the connections that agree on HTTP/2 (RFC 7301). */
  http2(socket: TLSSocket): void;
}

/**
 * Puts TLS before a server that was made for HTTP in clear. Node's own HTTPS server has one
 * certificate for clients that name no server, and keeps it for good.
 * @returns what ends the connections whose TLS is not there yet
 */
export function secure(server: Server, options: SecureOptions): () => void {
  const { clock, log, handshakeMs } = options;
  const pending = new Set<Socket>();
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    pending.add(socket);
    const timer = clock.after(handshakeMs, () => socket.destroy());
    const over = new TLSSocket(socket, {
      ...options.tls(),
      isServer: true,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    sameRemote(over, socket);
    const settle = () => {
      timer.cancel();
      pending.delete(socket);
    };
    const fail = (error: Error) => {
      log.debug({ err: error, remote: remoteOf(socket) }, 'a TLS connection failed');
      socket.destroy();
    };
    socket.on('error', fail);
    over.on('error', fail);
    socket.once('close', settle);
    over.once('secure', () => {
      settle();
      // As a TLS server of Node's does, which has no certificates that change.
      Object.assign(over, { secureConnecting: false });
      if (over.alpnProtocol === 'h2') options.http2(over);
      else for (const listener of serve) listener.call(server, over);
    });
  });
  return () => {
    for (const socket of pending) socket.destroy();
  };
}
