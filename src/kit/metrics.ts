/** The figures of the server for Prometheus (prom-client), each named once. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { createDurations, createTally } from './tally.ts';

/** All metrics; `text()` is what `/metrics` answers. */
export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

/** Makes a registry of its own, so that several servers in one process (tests) do not meet. */
export function createMetrics(options: { process: boolean } = { process: true }) {
  const registry = new Registry();
  const registers = [registry];
  if (options.process) collectDefaultMetrics({ register: registry, prefix: 'rtcd_' });
  return {
    connections: new Gauge({
      name: 'rtcd_connections',
      help: 'Open connections by kind (c2s, c2s_tls, s2s, s2s_tls, s2s_out, component).',
      labelNames: ['kind'],
      registers,
    }),
    connectionsTotal: new Counter({
      name: 'rtcd_connections_total',
      help: 'Connections accepted, or refused by a limit, by kind.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    sessions: new Gauge({
      name: 'rtcd_sessions',
      help: 'Bound sessions by virtual host.',
      labelNames: ['host'],
      registers,
    }),
    logins: new Counter({
      name: 'rtcd_logins_total',
      help: 'Authentication exchanges by mechanism and outcome.',
      labelNames: ['mechanism', 'outcome'],
      registers,
    }),
    /** Add with `stanzas.in.message += 1`. */
    stanzas: createTally(
      { name: 'rtcd_stanzas_total', help: 'Stanzas by direction and kind.', registry },
      ['direction', ['in', 'out']],
      ['kind', ['message', 'presence', 'iq']],
    ),
    s2sStanzas: new Counter({
      name: 'rtcd_s2s_stanzas_total',
      help: 'Stanzas from and to other servers by direction (in, out) and kind.',
      labelNames: ['direction', 'kind'],
      registers,
    }),
    s2sAttempts: new Counter({
      name: 'rtcd_s2s_attempts_total',
      help: 'Attempts to reach another domain, by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    s2sQueue: new Gauge({
      name: 'rtcd_s2s_queue_stanzas',
      help: 'Stanzas on their way to other servers: waiting, or not acknowledged.',
      registers,
    }),
    components: new Gauge({
      name: 'rtcd_components',
      help: 'Components that are connected.',
      registers,
    }),
    componentStanzas: new Counter({
      name: 'rtcd_component_stanzas_total',
      help: 'Stanzas from and to components by direction (in, out) and kind.',
      labelNames: ['direction', 'kind'],
      registers,
    }),
    pushes: new Counter({
      name: 'rtcd_pushes_total',
      help: 'Push notifications by what app servers answered (published, failed, refused).',
      labelNames: ['outcome'],
      registers,
    }),
    reports: new Counter({
      name: 'rtcd_reports_total',
      help: 'Reports of users on whom they blocked, by reason (spam, abuse, other).',
      labelNames: ['reason'],
      registers,
    }),
    registrations: new Counter({
      name: 'rtcd_registrations_total',
      help: 'Accounts that their users made, by outcome (made, waiting for an admin).',
      labelNames: ['outcome'],
      registers,
    }),
    uploads: new Counter({
      name: 'rtcd_uploads_total',
      help: 'Files by what came of them: denied a slot, refused, failed, stored.',
      labelNames: ['outcome'],
      registers,
    }),
    uploadBytes: new Counter({
      name: 'rtcd_upload_bytes_total',
      help: 'Bytes of files by direction (in, out).',
      labelNames: ['direction'],
      registers,
    }),
    notifications: new Counter({
      name: 'rtcd_pubsub_notifications_total',
      help: 'Notifications of nodes (XEP-0060), one for each recipient.',
      registers,
    }),
    bounces: new Counter({
      name: 'rtcd_bounces_total',
      help: 'Stanzas answered with an error, by condition.',
      labelNames: ['condition'],
      registers,
    }),
    streamErrors: new Counter({
      name: 'rtcd_stream_errors_total',
      help: 'Streams ended with an error, by condition.',
      labelNames: ['condition'],
      registers,
    }),
    routeSeconds: createDurations(
      { name: 'rtcd_route_seconds', help: 'From a stanza read to its routing done.', registry },
      SECONDS,
    ),
    commitSeconds: new Histogram({
      name: 'rtcd_store_commit_seconds',
      help: 'Time of one grouped commit, fsync included.',
      buckets: SECONDS,
      registers,
    }),
    commitSize: new Histogram({
      name: 'rtcd_store_commit_writes',
      help: 'Writes in one grouped commit.',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 1000],
      registers,
    }),
    storeQueue: new Gauge({
      name: 'rtcd_store_queue',
      help: 'Writes that wait for their commit.',
      registers,
    }),
    storyLost: new Counter({
      name: 'rtcd_story_steps_lost_total',
      help: 'Steps of stories of messages that the database was too slow to take.',
      registers,
    }),
    sendQueueBytes: new Gauge({
      name: 'rtcd_send_queue_bytes',
      help: 'Bytes that wait in all send queues of clients that read slowly.',
      registers,
    }),
    certificateExpiry: new Gauge({
      name: 'rtcd_certificate_expiry_seconds',
      help: "When each virtual host's certificate ends, in seconds since the epoch.",
      labelNames: ['host'],
      registers,
    }),
    errors: new Counter({
      name: 'rtcd_errors_total',
      help: 'Unexpected errors (bugs) caught at an edge, by area.',
      labelNames: ['area'],
      registers,
    }),
    contentType: registry.contentType,
    /** The exposition text of all figures. */
    text: () => registry.metrics(),
  };
}
