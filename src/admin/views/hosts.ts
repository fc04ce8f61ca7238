/** What pages read of hosts, their certificates, components and records in the DNS. */
import { z } from 'zod';
import { count, level, maybeCount, text } from './values.ts';

/** A certificate of a host. */
export const certificateView = z.object({
  source: text,
  issuer: text,
  names: z.array(text),
  notBefore: count,
  notAfter: count,
  fingerprint: text,
  publicKeySha256: text,
  selfSigned: z.boolean(),
  keyType: text,
  certificateFile: text,
  problems: z.array(text),
});

/** A certificate as pages read it. */
export type CertificateView = z.output<typeof certificateView>;

/** `hosts.list` */
export const hostsView = z.object({
  hosts: z.array(
    z.object({
      domain: text,
      accounts: count,
      sessions: count,
      modules: z.array(text),
      anonymous: z.boolean(),
      certificate: certificateView.nullish(),
    }),
  ),
});

/** A host of `hosts.list`. */
export type HostView = z.output<typeof hostsView>['hosts'][number];

/** `components.list` */
export const componentsView = z.object({
  components: z.array(
    z.object({
      domain: text,
      host: text,
      remote: text,
      since: maybeCount,
    }),
  ),
});

/** A component of `components.list`. */
export type ComponentView = z.output<typeof componentsView>['components'][number];

/** `dns.check` */
export const dnsFindingsView = z.object({
  findings: z.array(z.object({ level, subject: text, text })),
});

/** `dns.zone` */
export const zoneView = z.object({ zone: text });
