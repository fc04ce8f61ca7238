/** The side of other servers, as a whole: its ports, its streams, its links, and what admins ask. */
import type { Socket } from 'node:net';
import type { RemoteRoute } from '../core/router.ts';
import type { Domain } from '../jid/jid.ts';
import type { StreamFailure } from '../stream/error.ts';
import { createPorts, type Ports, type Way } from '../stream/ports.ts';
import type { ServerStream } from './connection.ts';
import { createHistory, type HistoryEntry } from './history.ts';
import { Links } from './links.ts';
import type { Management } from './managed.ts';
import type { Parties, Proof } from './pairs.ts';
import type { S2sTerms } from './policy.ts';
import type { S2sServices } from './services.ts';
import { createSpool } from './spool.ts';
import { Streams } from './streams.ts';

/** Whether TLS comes by STARTTLS, first, or is there already, as metrics name it. */
export type S2sKind = 's2s' | 's2s_tls' | 's2s_secured';

/** A pair of domains on a stream, or one that waits for a stream. Times in ms since the epoch. */
export interface LinkInfo {
  /** The stream's name in the log; undefined while there is none. */
  readonly id: string | undefined;
  /** The other domain, and ours. */
  readonly domain: Domain;
  readonly host: Domain;
  /** Which way stanzas go; both on one stream by XEP-0288. */
  readonly direction: 'in' | 'out' | 'both';
  readonly state: 'up' | 'connecting' | 'waiting' | 'idle';
  /** The version of TLS and the cipher, undefined without. */
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** How whoever sends was proved: the other domain, or, where only we send, ours. */
  readonly authenticatedBy: Proof | undefined;
  /** By what the other side's certificate is good for its domain; undefined without TLS. */
  readonly certificate: 'authority' | 'dane' | 'untrusted' | undefined;
  readonly since: number | undefined;
  readonly lastActive: number | undefined;
  /** How far the stream is managed by XEP-0198. */
  readonly management: Management;
  /** How many stanzas wait, or were sent and are not known to have arrived. */
  readonly queued: number;
  /** How many were sent on the stream, for all of its pairs, and are not known to have arrived. */
  readonly unacknowledged: number;
  readonly remoteAddress: string | undefined;
  /** Why there is no stream, and when the next try comes. */
  readonly failure: string | undefined;
  readonly retryAt: number | undefined;
}

/** The side of other servers. */
export interface S2sSide extends Pick<Ports<S2sKind>, 'listen' | 'unlisten'> {
  /** Takes another server's connection that came by a port of somebody else. */
  take(socket: Socket, way: Way): void;
  /** The way out for stanzas to other domains. */
  readonly route: RemoteRoute;
  /** Goes on with what was on its way when the server ended. */
  start(): Promise<void>;
  /** All links, those of one domain if it is named. */
  list(domain?: Domain): readonly LinkInfo[];
  /** What happened with a domain, the latest first. */
  history(domain: Domain): Promise<readonly HistoryEntry[]>;
  /** Closes the streams of a domain politely; what waits is tried again at once. Answers how many. */
  closeDomain(domain: Domain): number;
  /** Ends what the policy, or the hosts as they are now, do not allow any more. */
  enforce(): void;
  /**
   * Closes all ports and ends all streams with system-shutdown. What has not arrived is kept until the
   * next start, or sent back.
   */
  close(): Promise<void>;
}

const WAYS = { s2s: 'starttls', s2s_tls: 'tls', s2s_secured: 'secured' } as const;
const KINDS = { starttls: 's2s', tls: 's2s_tls', secured: 's2s_secured' } as const;

/** Makes the side, with no port open yet. */
export function createS2s(services: S2sServices): S2sSide {
  const { log, metrics } = services;
  const history = createHistory(services);
  const links: Links = new Links({
    services,
    spool: createSpool(services),
    reach: (local, remote) => streams.reach(local, remote),
    changed,
  });
  const streams = new Streams(services, history, {
    usable: (stream, local, remote) => links.offer(stream, local, remote),
    heard: (remote) => links.heard(remote),
    drained: (stream) => links.drained(stream),
    lost: (stream) => links.lost(stream),
  });
  const ports = createPorts<S2sKind>({
    contentNs: 'jabber:server',
    log,
    metrics,
    wayOf: (kind) => WAYS[kind],
    connectionsPerAddress: () => services.settings().connectionsPerAddress,
    gate: services.gate,
    accept: (socket, kind, remote, closed) => streams.accept(socket, WAYS[kind], remote, closed),
  });

  return {
    listen: ports.listen,
    unlisten: ports.unlisten,
    take: (socket, way) => ports.take(socket, KINDS[way]),
    route: (stanza) => links.route(stanza),
    start: () => links.restore(),
    list(domain) {
      const all = [...[...streams.all].flatMap(carried), ...waiting()];
      return domain === undefined ? all : all.filter((each) => each.domain === domain);
    },
    history: (domain) => history.of(domain),
    closeDomain(domain) {
      const concerned = [...streams.all].filter((stream) => partners(stream).includes(domain));
      for (const stream of concerned) stream.close('an admin closed it');
      links.heard(domain);
      return concerned.length;
    },
    enforce() {
      for (const stream of streams.all) {
        const failure = refusalOf(stream);
        if (failure !== undefined) stream.end(failure);
      }
      links.enforce();
    },
    async close() {
      ports.close();
      links.prepareToClose();
      await streams.close();
      await links.close();
      await history.close();
    },
  };

  /** Tells the modules of the host, or of the one whose component the domain is. */
  function changed({ local, remote }: Parties, now: 'gone' | 'again'): void {
    log.info({ from: local, to: remote }, `another domain is ${now === 'gone' ? 'gone' : 'back'}`);
    for (const hook of services.hosts.ownerOf(local)?.dispatch.domainChanged ?? [])
      Promise.resolve(hook(remote, now, local)).catch((error: unknown) =>
        log.error({ err: error, domain: remote }, 'what a domain was known for was not cleared'),
      );
  }

  /** The pairs that a stream carries. */
  function carried(stream: ServerStream): LinkInfo[] {
    const queues = new Map(
      links
        .list()
        .flatMap((link) => (link.stream === stream ? [[link.remote, link] as const] : [])),
    );
    const common = {
      id: stream.id,
      state: 'up',
      protocol: stream.protocol,
      cipher: stream.cipher,
      since: stream.since,
      lastActive: stream.lastActive,
      remoteAddress: stream.remoteAddress,
      management: stream.managed.level,
      unacknowledged: stream.managed.unacknowledged,
      failure: undefined,
      retryAt: undefined,
    } as const;
    const sent = stream.sends.map(({ from: host, to: domain, proof }): LinkInfo => {
      const isBoth = stream.isAccepted(domain, host);
      const direction = isBoth ? 'both' : 'out';
      const queued = queues.get(domain)?.queued ?? 0;
      const certificate = standing(stream, domain);
      return { ...common, domain, host, direction, queued, authenticatedBy: proof, certificate };
    });
    const received = stream.accepts
      .filter(({ from: domain, to: host }) => !stream.maySend(host, domain))
      .map(({ from: domain, to: host, proof }): LinkInfo => {
        const certificate = standing(stream, domain);
        const authenticatedBy = proof;
        return {
          ...common,
          domain,
          host,
          direction: 'in',
          queued: 0,
          authenticatedBy,
          certificate,
        };
      });
    return [...sent, ...received];
  }

  /** The links that have no stream. */
  function waiting(): LinkInfo[] {
    return links
      .list()
      .filter(
        ({ stream, queued, state }) => stream === undefined && (queued > 0 || state !== 'idle'),
      )
      .map(({ local, remote, state, queued, failure, retryAt }) => ({
        id: undefined,
        domain: remote,
        host: local,
        direction: 'out',
        state,
        protocol: undefined,
        cipher: undefined,
        authenticatedBy: undefined,
        certificate: undefined,
        since: undefined,
        lastActive: undefined,
        queued,
        management: 'none',
        unacknowledged: 0,
        remoteAddress: undefined,
        failure: failure?.text,
        retryAt,
      }));
  }

  /** Why a stream may not go on, if it may not. */
  function refusalOf(stream: ServerStream): StreamFailure | undefined {
    const pairs = [
      ...stream.sends.map(({ from, to }) => [from, to] as const),
      ...stream.accepts.map(({ from, to }) => [to, from] as const),
    ];
    for (const [local, remote] of pairs) {
      if (services.hosts.ownerOf(local) === undefined)
        return { condition: 'host-gone', text: `${local} is no longer served here.` }; // §4.9.3.5
      const { policy } = services;
      const text = policy.refusal(local, remote) ?? lackOf(stream, remote, policy.terms(local));
      if (text !== undefined) return { condition: 'policy-violation', text };
    }
    return undefined;
  }
}

/** What a stream lacks that is demanded for a domain now, as a sentence. */
function lackOf(
  stream: ServerStream,
  remote: Domain,
  { requireTls, secureAuth }: S2sTerms,
): string | undefined {
  if (requireTls && stream.protocol === undefined) return 'TLS is required here.';
  if (secureAuth && !stream.proves(remote)) return `A certificate has to prove ${remote} here.`;
  return undefined;
}

/** The other domains of a stream. */
function partners(stream: ServerStream): readonly Domain[] {
  return [...stream.sends.map(({ to }) => to), ...stream.accepts.map(({ from }) => from)];
}

/** What the other side's certificate is worth. */
function standing(stream: ServerStream, domain: Domain): LinkInfo['certificate'] {
  const judged = stream.judge(domain);
  if (judged === undefined) return undefined;
  return judged.ok ? judged.by : 'untrusted';
}
