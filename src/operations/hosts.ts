/** Operations on virtual hosts. */
import { z } from 'zod';
import { type AnyOperation, operation, success } from '../core/operation.ts';
import { certificateInfoOf, certificateInRow } from './certificate-info.ts';
import { hidden } from './fields.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'hosts' | 'accounts' | 'sessions' | 'registry' | 'certificates'>;

/** Operations on virtual hosts. */
export function hostOperations(services: Needs): AnyOperation[] {
  const { hosts, accounts, sessions, registry, certificates } = services;
  return [
    operation({
      name: 'hosts.list',
      command: ['host', 'list'],
      summary: 'List the domains that are served.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: z.object({
        hosts: z.array(
          z.object({
            domain: z.string(),
            accounts: z.int(),
            sessions: z.int(),
            anonymous: z.boolean(),
            modules: hidden(z.array(z.string())),
            certificate: certificateInRow.nullable(),
          }),
        ),
      }),
      async run() {
        const online = new Map<string, number>();
        for (const { host } of sessions.all()) online.set(host, (online.get(host) ?? 0) + 1);
        const rows = hosts.all().map(async ({ domain, config }) => {
          const certificate = certificates.info(domain);
          return {
            domain,
            accounts: (await accounts.list({ host: domain, limit: 1 })).total,
            sessions: online.get(domain) ?? 0,
            anonymous: config.anonymous,
            modules: [...registry.enabled(domain)],
            certificate: certificate === undefined ? null : certificateInfoOf(certificate),
          };
        });
        return success({ hosts: await Promise.all(rows) });
      },
    }),
  ];
}
