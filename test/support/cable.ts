/** A line between servers that a test can cut: a proxy on loopback that forwards, falls silent, breaks. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** The line. */
export interface Cable {
  /** Leads to a port from now on; answers the port of its own to connect to. */
  lead(port: number, address?: string): Promise<number>;
  /** Forwards nothing more, as a network that is down: neither side is told. */
  cut(): void;
  /** Breaks all connections, and forwards new ones. */
  mend(): void;
  /** How many connections are open. */
  open(): number;
  stop(): Promise<void>;
}

/** Makes a line that leads nowhere yet. */
export function makeCable(): Cable {
  const sockets = new Set<Socket>();
  let target = { port: 0, host: '127.0.0.1' };
  let isCut = false;

  const join = (near: Socket, far: Socket) => {
    near.on('data', (chunk) => {
      // What comes while it is cut is lost, as packets without an answer would be in the end.
      if (!isCut) far.write(chunk);
    });
    near.on('end', () => {
      if (!isCut) far.end();
    });
    near.on('close', () => {
      sockets.delete(near);
      if (!isCut) far.destroy();
    });
    near.on('error', () => {});
  };
  const server = createServer({ allowHalfOpen: true }, (near) => {
    sockets.add(near);
    if (isCut) {
      near.on('error', () => {}).on('close', () => sockets.delete(near));
      return;
    }
    const far = connect({ ...target, allowHalfOpen: true });
    sockets.add(far);
    join(near, far);
    join(far, near);
  });

  return {
    async lead(port, host = '127.0.0.1') {
      target = { port, host };
      if (!server.listening)
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    },
    cut() {
      isCut = true;
    },
    mend() {
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
      isCut = false;
    },
    open: () => sockets.size,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
