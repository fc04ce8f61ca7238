/** What mends a fault: what we can do, and what to ask of the other admin. */
import type { Cause } from './step.ts';

/** Advice; `{remote}` and `{local}` stand for the domains. */
export interface Advice {
  /** For the one who asks. */
  readonly here?: string;
  /** For the other admin. */
  readonly there?: string;
}

const RENEW =
  'Please renew it (and see that the XMPP server takes the new one: most need a reload).';
const CHAIN =
  'Please use a certificate of an authority that is generally known, and have the server send the whole chain.';
const COMPARE = 'Compare with another domain: if that fails too, it is the name server here.';

const ADVICE: Readonly<Record<Cause, Advice>> = {
  blocked: {
    here: 'To lift it: rtcctl s2s allow {remote}, or change s2s.enabled, s2s.allow and s2s.block in the config.',
  },
  'no-such-domain': {
    here: 'Is {remote} spelt right?',
    there: 'Please see whether the DNS zone of {remote} is served.',
  },
  'no-srv': {
    there:
      'Please publish where your XMPP server is, such as: _xmpp-server._tcp.{remote}. SRV 5 0 5269 xmpp.{remote}. (with the name of your server).',
  },
  'service-declined': {
    there:
      'If {remote} is to be reached by XMPP, please replace the SRV record with the target "." by one that names your server.',
  },
  'bad-records': {
    there: 'Please correct the SRV records: the target is a host name, and the port is not 0.',
  },
  'srv-to-nowhere': {
    there:
      'Please give the host that the SRV record names an address (A or AAAA), or name another one.',
  },
  'dns-timeout': {
    here: COMPARE,
    there: 'Please see whether the name servers of {remote} answer.',
  },
  'dns-failure': {
    here: COMPARE,
    there: 'Please see whether the name servers of {remote} are well, and its DNSSEC is valid.',
  },
  'closed-port': {
    there:
      'Please see whether the XMPP server runs and listens for other servers on this port, and whether the SRV record names the right one.',
  },
  unreachable: {
    here: 'If no other domain can be reached either, it is the network here.',
    there: 'Please see whether this address is reachable from outside.',
  },
  timeout: {
    there:
      'Please see whether a firewall lets the port through, and whether the server is overloaded.',
  },
  'not-xmpp': {
    there:
      'Please see whether the SRV record leads to the port for other servers, not to another service.',
  },
  'broken-off': { there: 'Please see in the log of your server why it closes the connection.' },
  refused: {
    there:
      'Please see in the log of your server why it refuses {local}: perhaps by a policy or a block list.',
  },
  redirected: {
    there:
      'Please see where your server sends others (see-other-host): to a host that can be found, and not in a circle.',
  },
  'no-tls': { there: 'Please switch TLS on for connections between servers.' },
  'tls-failed': {
    there: 'Please see that TLS 1.2 or later is on, with a certificate and its key.',
  },
  'no-authentication': {
    there: 'Please switch SASL EXTERNAL or dialback on for connections between servers.',
  },
  'external-refused': {
    here: 'The certificate of {local} has to be from an authority that is known there, and not for servers only: rtcctl check looks at it.',
    there:
      'Please see in the log of your server why it does not take the certificate of {local} for a proof.',
  },
  'dialback-refused': {
    here: 'It has to find and reach our server: rtcctl dns check {local} tells whether our records are right.',
    there:
      'For dialback your server looks up {local} in DNS and connects to it. Please see in its log what hinders it.',
  },
  'no-answer': {
    here: 'Stanzas are taken, but answers do not come back: rtcctl dns check {local} tells whether our records are right.',
    there: 'Please see in the log of your server whether it can connect to {local}.',
  },
  'too-long': { here: 'Try again, or look at the last steps.' },
  expired: { there: RENEW },
  'not-yet-valid': {
    here: 'Is the clock of this machine right?',
    there:
      'Please see whether the clock of your server and the dates in the certificate are right.',
  },
  'wrong-name': {
    there:
      'Please use a certificate that names {remote} itself (not only the host of the server): that is what other servers check (RFC 6120 §13.7).',
  },
  'self-signed': { there: CHAIN },
  'unknown-authority': {
    here: 'If that authority is to be believed, name its file in s2s.authorities.',
    there: CHAIN,
  },
  'broken-chain': { there: CHAIN },
  usage: {
    there: 'Please use a certificate that is made for TLS servers and, better, for clients too.',
  },
  weak: {
    there:
      'Please make a new key (RSA of 2048 bits or more, or EC) and a certificate signed with SHA-256.',
  },
  'no-certificate': { there: 'Please see that the server has a certificate for {remote}.' },
  revoked: { there: 'Please replace the certificate: its authority has revoked it.' },
  'dane-mismatch': {
    there: 'Please update the TLSA records: they must name the present certificate or key.',
  },
};

/** The advice on a fault, for these domains. */
export function adviceOn(cause: Cause, parties: { local: string; remote: string }): Advice {
  const fill = (text: string) =>
    text.replaceAll(/\{(local|remote)\}/g, (_, name: 'local' | 'remote') => parties[name]);
  const { here, there } = ADVICE[cause];
  return {
    ...(here === undefined ? {} : { here: fill(here) }),
    ...(there === undefined ? {} : { there: fill(there) }),
  };
}
