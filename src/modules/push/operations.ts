/** What an admin can see of push notifications, and do about them. */
import { z } from 'zod';
import { accountJid } from '../../config/fields.ts';
import type { Home } from '../../core/module.ts';
import {
  type AnyOperation,
  failure,
  type OperationFailure,
  operation,
  success,
} from '../../core/operation.ts';
import {
  confirmed,
  hidden,
  kind,
  level,
  limit,
  offset,
  time,
} from '../../core/operation-fields.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { PushOutcome } from './outcome.ts';
import type { Publisher } from './publisher.ts';
import type { Registration, Registrations } from './registrations.ts';
import type { PushSettings } from './settings.ts';
import type { Waking } from './waking.ts';

/** What the operations work with. */
export interface PushOperationsOptions {
  readonly home: Home<PushSettings>;
  readonly registrations: Registrations;
  readonly publisher: Publisher;
  readonly waking: Pick<Waking, 'sessionOf'>;
  forget(account: BareJid, isMeant: (registration: Registration) => boolean): Promise<number>;
}

/** An admin is not kept waiting for as long as an app server may take. */
const TEST_MS = 20_000;

const account = accountJid().meta({
  ...kind('jid'),
  description: 'The account, such as joe@falcot.com.',
});
const which = {
  jid: account,
  service: z.string().max(3071).optional().describe('Only those of this app server.'),
  node: z.string().max(1023).optional().describe('Only the one with this node.'),
};
const registrationInfo = z.object({
  jid: z.string(),
  service: z.string().describe('The app server.'),
  node: z.string(),
  device: z.string().describe('The resource of the session that enabled it last.'),
  state: z
    .enum(['connected', 'asleep', 'away', 'ended'])
    .describe('asleep: its session waits to be resumed; away: it has none.'),
  unseen: z.int().describe('Messages that were told since the device was last here.'),
  enabled: hidden(time),
  tried: time.nullable().describe('When the last notification was sent.'),
  result: z.string().describe('What the app server said to it.'),
  succeeded: time.nullable().describe('When the app server last took one.'),
  failures: z.int().describe('Failures in a row.'),
  nextTry: hidden(time.nullable().meta(kind('time'))),
});

/** The operations. */
export function pushOperations(options: PushOperationsOptions): AnyOperation[] {
  return [list(options), test(options), forget(options)];
}

function list({ registrations, publisher, waking }: PushOperationsOptions): AnyOperation {
  const infoOf = (registration: Registration): z.output<typeof registrationInfo> => ({
    jid: registration.account,
    service: registration.service,
    node: registration.node,
    device: registration.resource,
    state: stateOf(registration),
    unseen: registration.unseen,
    enabled: registration.enabled,
    tried: registration.tried ?? null,
    result: registration.result,
    succeeded: registration.succeeded ?? null,
    failures: registration.failures,
    nextTry: publisher.nextTry(registration) ?? null,
  });
  const stateOf = (registration: Registration) => {
    if (registration.ended !== undefined) return 'ended';
    const session = waking.sessionOf(registration);
    if (session === undefined) return 'away';
    return session.isAttached ? 'connected' : 'asleep';
  };
  return operation({
    name: 'push.list',
    command: ['push', 'list'],
    summary: 'List what is registered for push notifications, and how they fare.',
    effect: 'read',
    offline: true,
    about: ({ jid }) => jid,
    positional: ['jid'],
    input: z.object({
      jid: account.optional(),
      failing: z.boolean().default(false).describe('Only those that fail or have ended.'),
      offset,
      limit: limit(100),
    }),
    output: z.object({ registrations: z.array(registrationInfo), total: z.int() }),
    async run({ jid, failing, offset, limit }) {
      const filter = { account: jid, isFailing: failing, offset, limit };
      const { page, total } = await registrations.list(filter);
      return success({ registrations: page.map(infoOf), total });
    },
  });
}

function test({ home, registrations, publisher }: PushOperationsOptions): AnyOperation {
  const answered = (registration: Registration) =>
    new Promise<PushOutcome>((resolve) => {
      const text = `no answer within ${TEST_MS / 1000} seconds; it may still come`;
      const timer = home.clock.after(TEST_MS, () => resolve({ kind: 'failed', text }));
      void publisher.test(registration).then((outcome) => {
        timer.cancel();
        resolve(outcome);
      });
    });
  return operation({
    name: 'push.test',
    command: ['push', 'test'],
    summary: 'Send a test notification, and show what the app server answers.',
    effect: 'change',
    about: ({ jid }) => jid,
    positional: ['jid'],
    input: z.object(which),
    output: z.object({
      answers: z.array(
        z.object({
          level,
          service: z.string(),
          node: z.string(),
          answer: z.string(),
        }),
      ),
    }),
    async run(input) {
      const all = await registrations.of(input.jid);
      const meant = all.filter((each) => each.ended === undefined && isMeantBy(input)(each));
      if (meant.length === 0) return nothing(input);
      const answers = meant.map(async (each) => {
        const { kind, text } = await answered(each);
        return { level: LEVELS[kind], service: each.service, node: each.node, answer: text };
      });
      return success({ answers: await Promise.all(answers) });
    },
  });
}

/** What failed may pass; what was refused has ended the registration. */
const LEVELS = { published: 'ok', failed: 'warning', refused: 'error' } as const;

function forget(options: PushOperationsOptions): AnyOperation {
  return operation({
    name: 'push.forget',
    command: ['push', 'forget'],
    summary: 'Forget push registrations of an account; its apps register again when they sign in.',
    effect: 'change',
    offline: true,
    about: ({ jid }) => jid,
    positional: ['jid'],
    input: confirmed(z.object(which), 'Forget push registrations of {jid}?'),
    output: z.object({ forgotten: z.int() }),
    async run(input) {
      const forgotten = await options.forget(input.jid, isMeantBy(input));
      return forgotten === 0 ? nothing(input) : success({ forgotten });
    },
  });
}

interface Which {
  readonly jid: BareJid;
  readonly service?: string | undefined;
  readonly node?: string | undefined;
}

const isMeantBy =
  ({ service, node }: Which) =>
  (each: Registration): boolean =>
    (service === undefined || each.service === service) &&
    (node === undefined || each.node === node);

const nothing = ({ jid }: Which): OperationFailure =>
  failure('not-found', `${jid} has no such push registration; rtcctl push list ${jid} shows all.`);
