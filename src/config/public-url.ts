/** The addresses by which others reach what is served over HTTPS. */
import { domainToAscii } from '../jid/jid.ts';
import type { Config, HostConfig } from './schema.ts';

const HTTPS_PORT = 443;

/** The listener by which browsers come best; undefined where only a proxy lets them in. */
export function webListenerOf({ listeners, edge }: Config['server']): 'edge' | 'https' | undefined {
  if (listeners.edge.enabled && edge.serves.includes('https')) return 'edge';
  return listeners.https.enabled ? 'https' : undefined;
}

function webPortOf(server: Config['server']): number | undefined {
  const name = webListenerOf(server);
  return name === undefined ? undefined : server.listeners[name].port;
}

/**
 * The public address of a host's pages, without a slash at its end: what its file says, or the host
 * itself at the port of the `edge` or `https` listener; where both are switched off, a proxy is taken for granted
 * at the usual port.
 * @param open the port that is open, where the config asks for any free one
 */
export function publicUrlOf(
  { server }: Pick<Config, 'server'>,
  { virtualHost, http }: Pick<HostConfig, 'virtualHost' | 'http'>,
  open?: number,
): string {
  if (http.publicUrl !== undefined) return http.publicUrl.replace(/\/+$/, '');
  const shown = open ?? webPortOf(server) ?? HTTPS_PORT;
  const name = `https://${domainToAscii(virtualHost)}`;
  return shown === HTTPS_PORT ? name : `${name}:${shown}`;
}
