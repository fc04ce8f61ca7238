/** What a domain is before DNS is asked, and which names and addresses DNS may give back. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { type Domain, domainToAscii } from '../jid/jid.ts';

/** The service with STARTTLS (RFC 6120 §3.2.1) and its port where there is no SRV record (§3.2.2). */
export const SERVER_SERVICE = '_xmpp-server._tcp';
/** The port where there is no SRV record (RFC 6120 §3.2.2). */
export const SERVER_PORT = 5269;
/** The service with TLS from the first byte (XEP-0368 §3). */
export const DIRECT_TLS_SERVICE = '_xmpps-server._tcp';

/** Where to begin with a domain. */
export type Place =
  /** The domain is an address; DNS is not asked. */
  | { readonly kind: 'address'; readonly address: string }
  /** `localhost` and names below it are this machine (RFC 6761 §6.3); DNS is not asked. */
  | { readonly kind: 'loopback' }
  /** A name with A-labels. */
  | { readonly kind: 'name'; readonly name: string };

/** The addresses of this machine by itself. */
export const LOOPBACK_ADDRESSES = ['::1', '127.0.0.1'] as const;

/** Tells addresses, this machine and names apart. */
export const placeOf = (domain: Domain): Place => placeOfHost(domainToAscii(domain));

/** The same for a host that an SRV record names: A-labels, lower case. */
export function placeOfHost(host: string): Place {
  const address = host.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0) return { kind: 'address', address };
  return /(?:^|\.)localhost$/.test(host) ? { kind: 'loopback' } : { kind: 'name', name: host };
}

const HOST_NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.(?!$)|$))+$/;

/**
 * Whether a name may be that of a host: letters, digits and hyphens, lower case, no more than 253
 * characters. Underscores pass, since some networks name their hosts so.
 */
export const isHostName = (name: string): boolean => name.length <= 253 && HOST_NAME.test(name);

const UNUSABLE = new BlockList();
UNUSABLE.addSubnet('0.0.0.0', 8, 'ipv4'); // "this network" (RFC 1122 §3.2.1.3): would be ourselves
UNUSABLE.addSubnet('224.0.0.0', 3, 'ipv4'); // multicast, reserved, broadcast
UNUSABLE.addAddress('::', 'ipv6');
UNUSABLE.addSubnet('ff00::', 8, 'ipv6');

/** Whether a TCP connection to an address can mean anything: no multicast, nothing unspecified. */
export function isUsableAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !UNUSABLE.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
