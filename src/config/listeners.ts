/** Which of the listeners of a config have something to do. */
import { externalOf } from './components.ts';
import type { Config, ListenerConfig, ListenerName } from './schema.ts';

/** A listener that is to be opened. */
export interface OpenListener extends ListenerConfig {
  readonly name: ListenerName;
}

/** The listeners that are enabled; that of components only while a host has some. */
export function openListeners({ server, hosts }: Config): readonly OpenListener[] {
  const hasComponents = hosts.some((host) => externalOf(host).length > 0);
  // The keys are those of the schema.
  const all = Object.entries(server.listeners) as [ListenerName, ListenerConfig][];
  return all
    .map(([name, listener]) => ({ name, ...listener }))
    .filter(({ name, enabled }) => enabled && (name !== 'component' || hasComponents));
}
