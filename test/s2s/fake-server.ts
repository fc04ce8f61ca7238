/** A small server for other servers that says what a test wants, on a loopback address. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Issued } from './authority.ts';

/** How the server behaves. */
export interface FakeOptions {
  readonly address?: string;
  /** Its certificate; without one it offers no TLS. */
  readonly certificate?: Issued;
  /** Certificates that are sent with it. */
  readonly chain?: readonly Issued[];
  /** Whether TLS comes first (XEP-0368). */
  readonly isDirect?: boolean;
  /** Its answer to SASL EXTERNAL; without one it does not offer that. */
  readonly external?: 'success' | 'failure';
  /** Its answer to dialback, as the inside of `<db:result …/>`; without one it does not know that. */
  readonly dialback?: string;
  /** What it says in place of all that. */
  readonly instead?: (socket: Socket, said: string) => void;
}

/** A running one. */
export interface FakeServer {
  readonly address: string;
  readonly port: number;
  /** Connections that are open. */
  open(): number;
  /** All that was said to it. */
  readonly heard: string[];
}

/** How a server behaves that sends all on to another host (RFC 6120 §4.9.3.19). */
export const sendsOnTo = (otherHost: string) => (socket: Socket, said: string) => {
  if (!said.includes('<stream:stream')) return;
  const condition = `<see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${otherHost}</see-other-host>`;
  socket.end(`${header(said)}<stream:error>${condition}</stream:error></stream:stream>`);
};

/** A port of an address on which nobody listens. */
export async function closedPort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts one, which goes with the test. */
export async function startFake(options: FakeOptions = {}): Promise<FakeServer> {
  const { address = '127.0.0.1', isDirect = false } = options;
  const open = new Set<Socket>();
  const heard: string[] = [];
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if (isDirect) secured(socket, options, heard);
    else converse(socket, options, heard, false);
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, address, resolve),
  );
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address, port, heard, open: () => open.size };
}

function secured(socket: Socket, options: FakeOptions, heard: string[]): void {
  const { certificate, chain = [] } = options;
  if (certificate === undefined) throw new Error('a certificate is needed');
  const over = new TLSSocket(socket, {
    isServer: true,
    key: certificate.keyPem,
    cert: [certificate, ...chain].map(({ pem }) => pem).join(''),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['xmpp-server'],
  });
  over.on('error', () => undefined);
  converse(over, options, heard, true);
}

function converse(socket: Socket, options: FakeOptions, heard: string[], isSecure: boolean): void {
  let isProved = false;
  const onData = (chunk: Buffer) => {
    const said = chunk.toString();
    heard.push(said);
    if (options.instead !== undefined) return options.instead(socket, said);
    if (said.includes('</stream:stream>')) return void socket.end('</stream:stream>');
    if (said.includes('<starttls')) {
      socket.off('data', onData);
      socket.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
      return secured(socket, options, heard);
    }
    if (said.includes('<auth ')) {
      isProved = options.external === 'success';
      const answer = isProved ? 'success' : 'failure';
      const inside = isProved ? '' : '<not-authorized/><text>I do not know you</text>';
      return void socket.write(
        `<${answer} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${inside}</${answer}>`,
      );
    }
    const [, from, to] = /<db:result from='([^']+)' to='([^']+)'/.exec(said) ?? [];
    if (from !== undefined)
      return void socket.write(`<db:result from='${to}' to='${from}' ${options.dialback}`);
    if (said.includes('<stream:stream'))
      socket.write(header(said) + features(options, isSecure, isProved));
  };
  socket.on('data', onData);
}

/** The header that answers another one. */
export function header(said: string): string {
  const [, from = ''] = / from='([^']+)'/.exec(said) ?? [];
  const [, to = ''] = / to='([^']+)'/.exec(said) ?? [];
  return (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'" +
    ` xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='${to}' to='${from}' version='1.0'>`
  );
}

function features(options: FakeOptions, isSecure: boolean, isProved: boolean): string {
  const offered = [
    !isSecure && options.certificate !== undefined
      ? "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
      : '',
    isSecure && !isProved && options.external !== undefined
      ? "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"
      : '',
    options.dialback === undefined
      ? ''
      : "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>",
  ];
  return `<stream:features>${offered.join('')}</stream:features>`;
}
