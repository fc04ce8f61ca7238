/** What mends a fault, and who can do it. */
import type { Cause } from './step.ts';

/** Advice: to the other admin, or to the one who asks. */
export interface Advice {
  readonly whose: 'theirs' | 'ours' | 'either';
  /** A sentence to whom it concerns; `{remote}` and `{local}` stand for the domains. */
  readonly text: string;
}

const theirs = (text: string): Advice => ({ whose: 'theirs', text });
const ours = (text: string): Advice => ({ whose: 'ours', text });
const either = (text: string): Advice => ({ whose: 'either', text });

const RENEW =
  'Please renew it (and see that the XMPP server takes the new one: most need a reload).';
const CHAIN =
  'Please use a certificate of an authority that is generally known, and have the server send the whole chain.';

const ADVICE: Readonly<Record<Cause, Advice>> = {
  blocked: ours(
    'To lift it: rtcctl s2s allow {remote}, or change s2s.allow and s2s.block in the config.',
  ),
  'no-such-domain': either(
    'Is {remote} spelt right? If it is, its DNS zone is gone or not reachable.',
  ),
  'no-srv': theirs(
    'Please publish where your XMPP server is, such as: _xmpp-server._tcp.{remote}. SRV 5 0 5269 xmpp.{remote}. (with the name of your server).',
  ),
  'service-declined': theirs(
    'If {remote} is to be reached by XMPP, please replace the SRV record with the target "." by one that names your server.',
  ),
  'bad-records': theirs(
    'Please correct the SRV records: the target is a host name, the port is not 0.',
  ),
  'srv-to-nowhere': theirs(
    'Please give the host that the SRV record names an address (A or AAAA), or name another one.',
  ),
  'dns-timeout': either(
    'The name servers of {remote} do not answer, or those that are asked here: compare with rtcctl s2s test and another domain.',
  ),
  'dns-failure': either(
    'The name servers of {remote} fail (perhaps DNSSEC is broken), or those that are asked here: compare with another domain.',
  ),
  'closed-port': theirs(
    'Please see whether the XMPP server runs and listens for other servers on this port, and whether the SRV record names the right one.',
  ),
  unreachable: either(
    'There is no route to that address from here; if other domains are reached, it is the network there.',
  ),
  timeout: theirs(
    'Please see whether a firewall lets the port through, and whether the server is overloaded.',
  ),
  'not-xmpp': theirs(
    'Please see whether the SRV record leads to the port for other servers, not to another service.',
  ),
  'broken-off': theirs('Please see in the log of your server why it closes the connection.'),
  refused: theirs(
    'Please see in the log of your server why it refuses {local}; perhaps by a policy or a block list.',
  ),
  'no-tls': theirs('Please switch TLS on for connections between servers.'),
  'tls-failed': theirs('Please see that TLS 1.2 or later is on, with a certificate and its key.'),
  'no-authentication': theirs(
    'Please switch SASL EXTERNAL or dialback on for connections between servers.',
  ),
  'external-refused': either(
    'The certificate of {local} has to be from an authority that is known there and not for servers only; rtcctl check looks at ours.',
  ),
  'dialback-refused': either(
    'For dialback your server looks up {local} and connects to it: a firewall or DNS may be in the way. Here, rtcctl dns check {local} tells whether our records are right.',
  ),
  'no-answer': either(
    'Stanzas are taken, but answers do not come back: see whether {remote} can connect to {local} (rtcctl dns check {local}).',
  ),
  'too-long': either(
    'The examination was ended after its time; try again, or look at the last steps.',
  ),
  expired: theirs(RENEW),
  'not-yet-valid': theirs(
    'Please see whether the clock of your server and the dates in the certificate are right.',
  ),
  'wrong-name': theirs(
    'Please use a certificate that names {remote} itself (not only the host of the server): that is what other servers check (RFC 6120 §13.7).',
  ),
  'self-signed': theirs(CHAIN),
  'unknown-authority': theirs(CHAIN),
  'broken-chain': theirs(CHAIN),
  usage: theirs(
    'Please use a certificate that is made for TLS servers and, better, for clients too.',
  ),
  weak: theirs(
    'Please make a new key (RSA of 2048 bits or more, or EC) and a certificate signed with SHA-256.',
  ),
  'no-certificate': theirs('Please see that the server has a certificate for {remote}.'),
  revoked: theirs('Please replace the certificate: its authority has revoked it.'),
  'dane-mismatch': theirs(
    'Please update the TLSA records: they must name the present certificate or key.',
  ),
};

/** The advice on a fault, for these domains. */
export function adviceOn(cause: Cause, parties: { local: string; remote: string }): Advice {
  const { whose, text } = ADVICE[cause];
  return {
    whose,
    text: text.replaceAll(/\{(local|remote)\}/g, (_, name: 'local' | 'remote') => parties[name]),
  };
}
