/** The keys of the config that components are about: services at a domain of their own. */
import { z } from 'zod';
import type { Domain } from '../jid/jid.ts';
import { domain, secret } from './fields.ts';

const external = z
  .object({
    type: z
      .literal('external')
      .describe('A program of its own, which connects to this server (XEP-0114).'),
    secret: secret().describe('The secret that the program has to know.'),
  })
  .describe('One service, by its domain.');

/** What the config says of a component. */
export type ComponentConfig = z.output<typeof external>;

/** The components of a host, by their domains. */
export const components = z
  .record(domain(), external)
  .default({})
  .describe('Services at domains of their own, such as a gateway to another network.');

/** A component and its domain. */
export interface Component {
  readonly domain: Domain;
  readonly config: ComponentConfig;
}

interface WithComponents {
  readonly components: Readonly<Record<Domain, ComponentConfig>>;
}

/** The components of a host. */
export function componentsOf({ components: byDomain }: WithComponents): readonly Component[] {
  // The schema has prepared the keys.
  return Object.entries(byDomain).map(([name, config]) => ({ domain: name as Domain, config }));
}
