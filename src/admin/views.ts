/**
 * What the pages read of the operations' values. An operation may say more; a page that finds less
 * than it needs shows a problem instead of half a page.
 */
import { z } from 'zod';

const text = z.string();
const count = z.number();
const role = z.enum(['operator', 'admin', 'member', 'guest']);
/** The role of an account. */
export type RoleView = z.output<typeof role>;
const maybeText = text.nullish().transform((value) => value ?? undefined);
const maybeCount = count.nullish().transform((value) => value ?? undefined);

/** A bound session. */
export const sessionView = z.object({
  id: text,
  jid: text,
  host: text,
  remote: text,
  device: text,
  secure: text,
  cipher: text,
  mechanism: text,
  since: count,
  lastActive: count,
  state: z.enum(['connected', 'inactive', 'asleep']),
  presence: text,
  priority: count,
  extras: text,
});

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

/** What a change of a password may answer. */
export const warningView = z.object({ warning: maybeText });

/** `accounts.list` */
export const accountsView = z.object({
  accounts: z.array(
    z.object({
      jid: text,
      created: count,
      locked: z.boolean(),
      role,
      sessions: count,
    }),
  ),
  total: count,
});

/** `accounts.show` */
export const accountView = z.object({
  jid: text,
  created: count,
  locked: z.boolean(),
  role,
  namedInConfig: z.boolean(),
  sessions: z.array(sessionView),
});

/** `accounts.devices` */
export const devicesView = z.object({
  devices: z.array(
    z.object({
      id: text,
      software: text,
      name: text,
      resource: text,
      online: z.boolean(),
      access: z.enum(['password', 'token', 'password, token', 'none']),
      mechanism: text,
      address: text,
      firstSeen: count,
      lastSeen: count,
    }),
  ),
});

/** `accounts.revoke` */
export const revokedView = z.object({ knowsPassword: z.boolean() });
/** `archive.show` */
export const archiveView = z.object({
  messages: count,
  oldest: maybeCount,
  newest: maybeCount,
  kept: text,
  default: z.enum(['always', 'roster', 'never']),
  always: count,
  never: count,
  ownPreferences: z.boolean(),
});
/** An archive. */
export type ArchiveView = z.output<typeof archiveView>;

/** `archive.search` */
export const foundView = z.object({
  messages: z.array(z.object({ at: count, from: text, to: text, text })),
});
/** Messages that were found. */
export type FoundView = z.output<typeof foundView>;

/** `archive.purge` */
export const purgedView = z.object({ removed: count });
/** `archive.retention` */
export const keptView = z.object({ kept: text });

/** `sessions.list` */
export const sessionsView = z.object({ sessions: z.array(sessionView), total: count });

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

/** `components.list` */
export const componentsView = z.object({
  components: z.array(
    z.object({
      domain: text,
      host: text,
      remote: text,
      since: count.nullish().transform((value) => value ?? undefined),
    }),
  ),
});
/** A component of `components.list`. */
export type ComponentView = z.output<typeof componentsView>['components'][number];

/** `server.status` */
export const statusView = z.object({
  version: text,
  node: text,
  pid: count,
  since: count,
  uptimeSeconds: count,
  accounts: count,
  sessions: count,
  listeners: z.array(z.object({ name: text, address: text, port: count })),
  memoryBytes: count,
  store: z.object({ bytes: count, queued: count, writes: count, lastCommitMs: count }),
  configFile: text,
  dataFolder: text,
});

/** `server.about` */
export const aboutView = z.object({
  specs: z.array(
    z.object({
      name: text,
      spec: text,
      version: text,
      covers: text,
      note: text,
    }),
  ),
});

/** `server.check` */
export const findingsView = z.object({
  findings: z.array(
    z.object({ level: z.enum(['ok', 'warning', 'error']), area: text, subject: text, text }),
  ),
});

/** `dns.check` */
export const dnsFindingsView = z.object({
  findings: z.array(z.object({ level: z.enum(['ok', 'warning', 'error']), subject: text, text })),
});

/** `dns.zone` */
export const zoneView = z.object({ zone: text });

/** A link with another domain. */
export const linkView = z.object({
  domain: text,
  host: text,
  direction: z.enum(['in', 'out', 'both']),
  state: z.enum(['up', 'connecting', 'waiting', 'idle']),
  secure: text,
  proof: text,
  address: text,
  since: count.nullable(),
  management: z.enum(['none', 'acks', 'resumable']),
  queued: count,
  unacknowledged: count,
  failure: text,
});

/** `s2s.list` */
export const linksView = z.object({ links: z.array(linkView), total: count });

/** `s2s.rules` */
export const rulesView = z.object({
  rules: z.array(z.object({ domain: text, verdict: z.enum(['allow', 'block']), host: text })),
});

/** `s2s.show` */
export const partnerView = z.object({
  policy: z.array(z.object({ host: text, allowed: z.boolean(), why: text })),
  links: z.array(linkView),
  history: z.array(
    z.object({ last: count, host: text, direction: text, outcome: text, times: count, text }),
  ),
});

/** One value of `s2s.test`. */
export const stepView = z.object({
  verdict: z.enum(['ok', 'warning', 'error', 'skipped']),
  step: text,
  subject: text,
  text,
  detail: text.optional(),
});

/** A message of `messages.trace`. */
export const storyView = z.object({
  at: count,
  from: text,
  to: text,
  type: text,
  nature: text,
  ids: z.array(text),
  outcome: z.enum(['delivered', 'sent', 'waiting', 'bounced', 'dropped', 'unknown']),
  verdict: text,
  since: count.optional(),
  steps: z.array(z.object({ at: count, text })),
});

/** `messages.trace` */
export const storiesView = z.object({
  messages: z.array(storyView),
  next: text.optional(),
  note: text.optional(),
});

/** A registration of `push.list`. */
const pushView = z.object({
  jid: text,
  service: text,
  node: text,
  device: text,
  state: z.enum(['connected', 'asleep', 'away', 'ended']),
  tried: maybeCount,
  result: text,
  succeeded: maybeCount,
  failures: count,
});

/** `push.list` */
export const pushesView = z.object({ registrations: z.array(pushView) });

/** `push.test` */
export const pushAnswersView = z.object({
  answers: z.array(z.object({ level: z.enum(['ok', 'warning', 'error']), answer: text })),
});

/** A file of `files.list`. */
export const fileView = z.object({
  id: text,
  jid: text,
  name: text,
  type: text,
  size: count,
  purpose: z.enum(['message', 'profile', 'ephemeral', 'permanent']),
  stored: count,
  ends: maybeCount,
  url: text,
});
/** An uploaded file as pages read it. */
export type FileView = z.output<typeof fileView>;

/** `files.list` */
export const filesView = z.object({ files: z.array(fileView), total: count });

/** `files.quota` */
export const quotaView = z.object({
  usage: z.array(z.object({ of: text, files: maybeCount, used: count, limit: maybeCount })),
});
/** How much room something takes. */
export type UsageView = z.output<typeof quotaView>['usage'][number];

const invitationView = z.object({
  id: text,
  kind: z.enum(['invitation', 'contact', 'reset']),
  host: text,
  for: text,
  inviter: text,
  state: z.enum(['open', 'used', 'expired']),
  uses: count,
  maxUses: count,
  created: count,
  expires: count,
  maker: text,
  note: text,
});
/** An invitation, or a link to set a new password, as pages read it. */
export type InvitationView = z.output<typeof invitationView>;

/** `invitations.list` */
export const invitationsView = z.object({ invitations: z.array(invitationView), total: count });

/** `invitations.create` and `accounts.resetLink` */
export const madeLinkView = z.object({ url: text });

/** `registrations.list` */
export const registrationsView = z.object({
  registrations: z.array(z.object({ jid: text, remote: text, asked: count })),
});

/** `audit.list` */
export const auditView = z.object({
  entries: z.array(
    z.object({
      id: count,
      at: count,
      actor: text,
      via: text,
      remote: text,
      operation: text,
      input: text,
      outcome: text,
    }),
  ),
});

/** `log.levels`: `*` is all areas without a level of their own. */
export const levelsView = z
  .object({ levels: z.array(z.object({ area: text, level: text })) })
  .transform(({ levels }) => levels);

/** The types of the above. */
export type SessionView = z.output<typeof sessionView>;
/** A certificate as pages read it. */
export type CertificateView = z.output<typeof certificateView>;
/** An account with its sessions as pages read it. */
/** See {@link devicesView}. */
export type DeviceView = z.output<typeof devicesView>['devices'][number];
export type AccountView = z.output<typeof accountView>;
/** A finding of `server.check`. */
export type Finding = z.output<typeof findingsView>['findings'][number];
/** A host of `hosts.list`. */
export type HostView = z.output<typeof hostsView>['hosts'][number];
/** A link as pages read it. */
export type LinkView = z.output<typeof linkView>;
/** What there is with another domain. */
export type PartnerView = z.output<typeof partnerView>;
/** A message with its story as pages read it. */
export type StoryView = z.output<typeof storyView>;
/** A push registration as pages read it. */
export type PushView = z.output<typeof pushView>;
/** A step of an examination as pages read it. */
export type ExaminedStep = z.output<typeof stepView>;

const roomLineView = z.object({
  jid: text,
  name: text,
  occupants: count,
  public: z.boolean(),
  persistent: z.boolean(),
  created: count,
});

/** `rooms.list` */
export const roomsView = z.object({ rooms: z.array(roomLineView), total: count });

/** `rooms.show` */
export const roomView = roomLineView.extend({
  subject: text,
  occupantList: z.array(
    z.object({ nick: text, account: text, role: text, affiliation: text, sessions: count }),
  ),
  settings: z.array(z.object({ key: text, value: text, meaning: text })),
});
/** A room, as its page shows it. */
export type RoomView = z.output<typeof roomView>;

/** `rooms.history` */
export const roomHistoryView = z.object({
  messages: z.array(
    z.object({
      id: text,
      at: count,
      nick: text,
      account: text,
      kind: z.enum(['message', 'subject', 'retracted']),
      text,
    }),
  ),
  older: text.optional(),
  canSearch: z.boolean(),
});
/** What was said in a room, as its page shows it. */
export type RoomHistoryView = z.output<typeof roomHistoryView>;

/** `rooms.members` */
export const roomMembersView = z.object({
  members: z.array(z.object({ jid: text, affiliation: text, nick: text, reason: text })),
});
