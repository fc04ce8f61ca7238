/** Clients that want to use their connection for something else than HTTP, and may not. */
import type { Duplex } from 'node:stream';

const REASONS = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
} as const;

/** Says no, and ends the connection, whether the client ends its side or not: HTTP has let go of it. */
export function refuseUpgrade(socket: Duplex, status: keyof typeof REASONS): void {
  socket.on('error', () => {});
  const lines = [`HTTP/1.1 ${status} ${REASONS[status]}`, 'Connection: close', 'Content-Length: 0'];
  socket.end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy());
}
