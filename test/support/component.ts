/** A component that writes what it is told (XEP-0114), for tests over real sockets. */
import { createHash } from 'node:crypto';
import type { Element } from '../../src/xml/element.ts';
import { Client } from './client.ts';

/** Which component, and where to connect. */
export interface ComponentOptions {
  readonly port: number;
  readonly domain: string;
  readonly secret: string;
  /** The address to connect from, one of 127.0.0.0/8. */
  readonly from?: string;
  /** Attributes of the stream header. */
  readonly header?: string;
}

/** The header by which a component opens its stream (§3). */
export function componentHeader(to: string, attrs = ''): string {
  return (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'" +
    ` xmlns:stream='http://etherx.jabber.org/streams' to='${to}' ${attrs}>`
  );
}

/** Connects, and opens a stream; answers the server's header too. */
export async function openComponent(
  options: Omit<ComponentOptions, 'secret'>,
): Promise<{ component: Client; header: Element }> {
  const { port, domain, from, header: attrs } = options;
  const component = await Client.connect({
    port,
    to: domain,
    ...(from === undefined ? {} : { from }),
  });
  component.send(componentHeader(domain, attrs));
  return { component, header: await component.header() };
}

/** `<handshake/>` for the stream of a header. */
export function handshake(header: Element, secret: string): string {
  const digest = createHash('sha1').update(`${header.attrs.id}${secret}`).digest('hex');
  return `<handshake>${digest}</handshake>`;
}

/** A component that has proved itself. */
export async function connectedComponent(options: ComponentOptions): Promise<Client> {
  const { component, header } = await openComponent(options);
  const answer = await component.ask(handshake(header, options.secret));
  if (answer.name !== 'handshake') throw new Error(`no handshake but ${answer}`);
  return component;
}
