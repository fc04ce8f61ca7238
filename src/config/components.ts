/** The keys of the config that components are about: services at a domain of their own. */
import { z } from 'zod';
import { type Domain, parseDomain } from '../jid/jid.ts';
import { domain, secret } from './fields.ts';

const external = z.object({
  type: z
    .literal('external')
    .describe(
      'external: a program that connects here (XEP-0114); muc: chat rooms (XEP-0045); pubsub: nodes to publish to (XEP-0060); upload: files (XEP-0363).',
    ),
  secret: secret()
    .describe('The secret that the program of an external one has to know.')
    .meta({ defaultText: 'none: an external one must have it' }),
});

const rooms = z.object({
  type: z.literal('muc'),
  name: z
    .string()
    .min(1)
    .max(200)
    .default('Chat rooms')
    .describe('The name of the service, as clients show it.'),
});

const files = z.object({
  type: z.literal('upload'),
  name: z
    .string()
    .min(1)
    .max(200)
    .default('HTTP File Upload')
    .describe('The name of the service, as clients show it.'),
});

const nodes = z.object({
  type: z.literal('pubsub'),
  name: z
    .string()
    .min(1)
    .max(200)
    .default('Publish-subscribe')
    .describe('The name of the service, as clients show it.'),
});

const component = z
  .discriminatedUnion('type', [external, rooms, files, nodes])
  .describe('One service, by its domain.');

/** What the config says of a component. */
export type ComponentConfig = z.output<typeof component>;

/** What the config says of a program that connects here. */
export type ExternalConfig = z.output<typeof external>;

/** The kinds of components that modules serve. */
export type OwnComponentType = Exclude<ComponentConfig['type'], 'external'>;

/** The components of a host, by their domains. */
export const components = z
  .record(domain(), component)
  .default({})
  .describe('Services at domains of their own, such as chat rooms or a gateway.');

/** A component and its domain. */
export interface Component<C extends ComponentConfig = ComponentConfig> {
  readonly domain: Domain;
  readonly config: C;
}

interface WithComponents {
  readonly components: Readonly<Record<Domain, ComponentConfig>>;
}

/** The components of a host. */
export function componentsOf({ components: byDomain }: WithComponents): readonly Component[] {
  // The schema has prepared the keys.
  return Object.entries(byDomain).map(([name, config]) => ({ domain: name as Domain, config }));
}

/** Those of them that are programs of their own. */
export function externalOf(host: WithComponents): readonly Component<ExternalConfig>[] {
  return componentsOf(host).flatMap(({ domain: at, config }) =>
    config.type === 'external' ? [{ domain: at, config }] : [],
  );
}

/** A module that serves a kind of component. */
export interface ComponentModule {
  readonly name: string;
  /** The kind, and the label before the host's domain under which it is there by itself. */
  readonly component?: { readonly type: OwnComponentType; readonly label: string } | undefined;
}

interface HostWithComponents extends WithComponents {
  readonly virtualHost: Domain;
  readonly modules: Readonly<Record<string, unknown>>;
}

/**
 * The hosts, each with the components that its modules serve: where its file names none of a kind,
 * there is one at the usual domain, unless that domain is another host or component.
 */
export function withOwnComponents<H extends HostWithComponents>(
  hosts: readonly H[],
  modules: readonly ComponentModule[],
): readonly H[] {
  const taken = new Set<string>(
    hosts.flatMap((host) => [host.virtualHost, ...Object.keys(host.components)]),
  );
  return hosts.map((host) => {
    const added = modules.flatMap(({ name, component: own }) => {
      if (own === undefined || host.modules[name] === false) return [];
      if (componentsOf(host).some(({ config }) => config.type === own.type)) return [];
      const usual = parseDomain(`${own.label}.${host.virtualHost}`);
      if (!usual.ok || taken.has(usual.value)) return [];
      return [[usual.value, component.parse({ type: own.type })] as const];
    });
    if (added.length === 0) return host;
    return { ...host, components: { ...host.components, ...Object.fromEntries(added) } };
  });
}
