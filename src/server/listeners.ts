/** The open ports: what the config asks for, what is open, and how one becomes the other. */
import type { C2sSide } from '../c2s/listener.ts';
import type { ComponentSide } from '../component/side.ts';
import { openListeners } from '../config/listeners.ts';
import { ALL_INTERFACES, type Config, type ListenerName } from '../config/schema.ts';
import type { Edge } from '../edge/edge.ts';
import { type ListenError, listenError } from '../http/listen-error.ts';
import type { HttpServer, HttpsOptions } from '../http/server.ts';
import type { ListenerInfo } from '../operations/services.ts';
import type { S2sSide } from '../s2s/side.ts';
import { StartError } from './start-error.ts';

/** The ports of a running server. */
export interface Listeners {
  /** Opens what the config asks for and is not open; closes what it no longer asks for. */
  apply(config: Config): Promise<void>;
  /** What is open. */
  list(): readonly ListenerInfo[];
}

/** What listens. */
export interface ListeningSides {
  readonly c2s: Pick<C2sSide, 'listen' | 'unlisten'>;
  readonly s2s: Pick<S2sSide, 'listen' | 'unlisten'>;
  readonly component: Pick<ComponentSide, 'listen' | 'unlisten'>;
  readonly http: HttpServer;
  readonly https: HttpsOptions;
  readonly edge: Edge;
}

interface Wanted {
  readonly name: ListenerName;
  /** An address, or undefined for all. */
  readonly host: string | undefined;
  readonly port: number;
}

interface Open extends Wanted {
  readonly info: ListenerInfo;
  close(): Promise<void>;
}

/** Makes the set of ports, with none open. */
export function createListeners(sides: ListeningSides): Listeners {
  const { c2s, s2s, component, http, https, edge } = sides;
  let open: readonly Open[] = [];

  const isSame = (one: Wanted, other: Wanted) =>
    one.name === other.name && one.host === other.host && one.port === other.port;

  /** Frees a port at once; nobody waits for its connections, one of which may have asked for it. */
  const end = ({ close }: Open) => void close();

  /** Opens again what had to go; answers what hindered that. */
  const reopen = async (closed: readonly Open[]): Promise<unknown[]> => {
    const problems: unknown[] = [];
    for (const each of closed)
      await start(each).then(
        (again) => (open = [...open, again]),
        (error: unknown) => problems.push(error),
      );
    return problems;
  };

  const start = async (wanted: Wanted): Promise<Open> => {
    const { name, host, port } = wanted;
    const bound = { name, address: host ?? ALL_INTERFACES };
    try {
      const { port: taken, close } = await openPort(name, { host, port });
      return { ...wanted, info: { ...bound, port: taken }, close };
    } catch (error) {
      const problem = listenError(`${host ?? '*'}:${port}`, error);
      const key = ['listeners', name, problem.kind === 'unavailable' ? 'interfaces' : 'port'];
      throw new StartError(explain(wanted, problem), key);
    }
  };

  async function openPort(
    name: ListenerName,
    at: { readonly host: string | undefined; readonly port: number },
  ): Promise<{ readonly port: number; close(): Promise<void> }> {
    switch (name) {
      case 'http':
        return http.listen(at);
      case 'https':
        return http.listen({ ...at, https });
      case 'edge':
        return edge.listen(at);
      case 'c2s':
      case 'c2sTls': {
        const address = { kind: name === 'c2s' ? 'c2s' : 'c2s_tls', ...at } as const;
        return { port: await c2s.listen(address), close: () => c2s.unlisten(address) };
      }
      case 's2s':
      case 's2sTls': {
        const address = { kind: name === 's2s' ? 's2s' : 's2s_tls', ...at } as const;
        return { port: await s2s.listen(address), close: () => s2s.unlisten(address) };
      }
      case 'component': {
        const address = { kind: name, ...at };
        return { port: await component.listen(address), close: () => component.unlisten(address) };
      }
    }
  }

  return {
    async apply(config) {
      const wanted = wantedOf(config);
      const kept = open.filter((each) => wanted.some((other) => isSame(each, other)));
      const dropped = open.filter((each) => !kept.includes(each));
      const missing = wanted.filter((each) => !open.some((other) => isSame(each, other)));
      // What has a port that is wanted otherwise has to go first; the rest goes when all is open.
      const inTheWay = dropped.filter(
        ({ port }) => port !== 0 && missing.some((each) => each.port === port),
      );
      for (const each of inTheWay) end(each);
      open = open.filter((each) => !inTheWay.includes(each));
      const added: Open[] = [];
      try {
        for (const each of missing) added.push(await start(each));
      } catch (error) {
        for (const each of added) end(each);
        const problems = [error, ...(await reopen(inTheWay))];
        const key = error instanceof StartError ? error.key : undefined;
        throw new StartError(problems.map(messageOf).join(' '), key);
      }
      for (const each of dropped) if (!inTheWay.includes(each)) end(each);
      open = [...kept, ...added];
    },
    list: () => open.map(({ info }) => info),
  };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function wantedOf(config: Config): Wanted[] {
  return openListeners(config).flatMap(({ name, port, interfaces }) =>
    interfaces.map((each) => ({
      name,
      port,
      host: each === ALL_INTERFACES ? undefined : each,
    })),
  );
}

function explain({ name, port }: Wanted, error: ListenError): string {
  const cures = {
    'in-use': `end that program (perhaps another rtcd), or set listeners.${name}.port in rtcd.yaml`,
    denied: `ports below 1024 need a privilege; give it, or set listeners.${name}.port in rtcd.yaml`,
    unavailable: `set listeners.${name}.interfaces in rtcd.yaml to addresses of this machine`,
  };
  return `Port ${port} (${name}): ${error.message}. To mend it: ${cures[error.kind]}.`;
}
