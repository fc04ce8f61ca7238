/** The addresses of this machine. */
import { BlockList, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** All of them. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).map(({ address }) => address),
  );
}

/** Those of them under which the internet may reach it. */
export const publicAddresses = (): string[] => ownAddresses().filter(isPublic);

const INSIDE = new BlockList();
INSIDE.addSubnet('0.0.0.0', 8, 'ipv4');
INSIDE.addSubnet('10.0.0.0', 8, 'ipv4'); // RFC 1918
INSIDE.addSubnet('100.64.0.0', 10, 'ipv4'); // RFC 6598: carriers' NAT
INSIDE.addSubnet('127.0.0.0', 8, 'ipv4');
INSIDE.addSubnet('169.254.0.0', 16, 'ipv4');
INSIDE.addSubnet('172.16.0.0', 12, 'ipv4'); // RFC 1918, and containers
INSIDE.addSubnet('192.168.0.0', 16, 'ipv4'); // RFC 1918
INSIDE.addSubnet('224.0.0.0', 3, 'ipv4');
INSIDE.addAddress('::', 'ipv6');
INSIDE.addAddress('::1', 'ipv6');
INSIDE.addSubnet('fc00::', 7, 'ipv6'); // RFC 4193
INSIDE.addSubnet('fe80::', 10, 'ipv6');
INSIDE.addSubnet('ff00::', 8, 'ipv6');

/** Whether an address is one of the internet's, not of a network behind NAT. */
export const isPublic = (address: string): boolean =>
  !INSIDE.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
