/** RFC 6121 §3 and §4: presence and the subscriptions to it. */
import { z } from 'zod';
import { duration } from '../../config/fields.ts';
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { defineModule } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import { presence as makePresence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { el } from '../../xml/element.ts';
import { roster } from '../roster/index.ts';
import { createAbroad } from './abroad.ts';
import { answerProbe, broadcast, leave, receiveParting, sendDirected } from './availability.ts';
import { type Barrier, hide, reveal } from './barrier.ts';
import { createContext, type PresenceLimits, type RequestListener } from './context.ts';
import { createDirected } from './directed.ts';
import { createMemory } from './memory.ts';
import { receiveSubscription, sendSubscription } from './subscribing.ts';
import { isSubscriptionType, type SubscriptionType } from './subscription.ts';
import { createUnheard, unheardMigrations } from './unheard.ts';

const config = z.object({
  maxRequests: z
    .int()
    .nonnegative()
    .default(100)
    .describe('The most subscription requests that wait for the answer of one account.'),
  maxRequestBytes: z
    .int()
    .nonnegative()
    .default(4096)
    .describe('Up to how many bytes a waiting request is kept with all that it carries.'),
  maxDirected: z
    .int()
    .nonnegative()
    .default(500)
    .describe('The most addresses (chat rooms, say) to which a session sends presence directly.'),
  askAgainAfter: duration('1d', { max: '365d' }).describe(
    'After which time an unanswered request to another domain, or what came back from there, is sent again when the user comes; 0 is never.',
  ),
});

/** What other modules may use. */
export interface PresenceApi {
  /** Addresses below a bare JID to which a session has sent presence: its nicks in a room. */
  directedTo(session: Session, bare: BareJid): readonly Jid[];
  /** Adds one who is told of each request for a subscription to an account that waits for an answer. */
  onRequest(listener: RequestListener): void;
  /** Two see each other from now on: an account's presence goes to the other one. */
  introduce(account: BareJid, contact: BareJid): Promise<void>;
  /** They do not any more: an account is gone for the other one. */
  part(account: BareJid, contact: BareJid): Promise<void>;
  /** Sends a subscription stanza for an account, as one of its sessions would. */
  send(account: BareJid, contact: BareJid, type: SubscriptionType): Promise<void>;
  /** Takes what stands between accounts and whom they block; there is one at most. */
  useBarrier(barrier: Barrier): void;
  /** An account blocks some addresses from now on; the barrier knows it already. */
  hide(account: BareJid, blocked: readonly Jid[]): Promise<void>;
  /** An account blocks some addresses no more; the barrier knows it already. */
  show(account: BareJid, freed: readonly Jid[]): Promise<void>;
}

/** The presence module. */
export const presence = defineModule<PresenceLimits, PresenceApi>({
  name: 'presence',
  specs: [{ rfc: 6121, sections: '3, 4, A', covers: 'complete' }],
  needs: ['roster'],
  config,
  tables: unheardMigrations,
  setup(home) {
    const listeners: RequestListener[] = [];
    let barrier: Barrier | undefined;
    const requested: RequestListener = (...request) => {
      for (const listener of listeners) listener(...request);
    };
    const rosters = home.use(roster);
    const context = createContext(home, rosters, createDirected(), requested, () => barrier);
    rosters.useParting(context.sendUnavailable);
    const abroad = createAbroad(context);
    const unheard = createUnheard(context);
    rosters.onChange((account, contact, { after }) => {
      if (after === undefined && !context.isLocal(contact)) unheard.parted(account, contact);
    });
    const memory = createMemory(context, abroad);
    const send = (
      stanza: Presence & { readonly to: Jid },
      session: Session,
    ): MaybePromise<Verdict> => {
      const { type } = stanza;
      if (isSubscriptionType(type)) return sendSubscription(context, stanza, type, session);
      if (type === 'available' || type === 'unavailable')
        return sendDirected(context, stanza, session);
      return verdict.pass;
    };
    const receive = (stanza: Presence, account: BareJid): MaybePromise<Verdict> => {
      abroad.note(stanza, account);
      if (stanza.type === 'available') return verdict.pass;
      const { to = account, type } = stanza;
      if (type === 'probe') return answerProbe(context, stanza, to, account);
      if (isSubscriptionType(type)) return receiveSubscription(context, stanza, type, account);
      const part = () => receiveParting(context, stanza, to, account);
      const noted =
        type === 'error' && to === account ? unheard.returned(stanza, account) : undefined;
      return noted === undefined ? part() : noted.then(part);
    };
    return {
      api: {
        directedTo: (session, bare) =>
          context.directed.list(session).filter((address) => bareOf(address) === bare),
        onRequest: (listener) => void listeners.push(listener),
        introduce: async (account, contact) => context.sendPresence(account, contact),
        part: async (account, contact) => context.sendUnavailable(account, contact),
        async send(account, contact, type) {
          const stanza = { ...makePresence({ type, from: account, to: contact }), to: contact };
          await sendSubscription(context, stanza, type, { account, isAnonymous: false });
        },
        useBarrier(brought) {
          if (barrier !== undefined) throw new Error('there is a barrier already');
          barrier = brought;
        },
        hide: (account, blocked) => hide(context, abroad, account, blocked),
        show: (account, freed) => reveal(context, account, freed),
      },
      streamFeatures: ({ phase }) =>
        phase !== 'early' ? [el('sub', { xmlns: 'urn:xmpp:features:pre-approval' })] : [], // §3.4
      memory,
      hooks: {
        fromAccount(stanza, session) {
          if (stanza.kind !== 'presence' || stanza.to === undefined) return verdict.pass;
          const directed = { ...stanza, to: stanza.to };
          const said = context.barrierOf(session.account)?.outbound(stanza, session.account);
          return passing(said, () => send(directed, session));
        },
        broadcast: (stanza, session) => broadcast(context, stanza, session, unheard),
        toAccount(stanza, account) {
          if (stanza.kind !== 'presence') return verdict.pass;
          const said = context.barrierOf(account)?.inbound(stanza, account);
          return passing(said, () => receive(stanza, account));
        },
        sessionAwake: memory.awake,
        // §4.5.2: what the client did not say the server says for it.
        sessionEnded(session) {
          abroad.forget(session.jid, context.available(session.account).length === 0);
          return leave(
            context,
            session,
            makePresence({ type: 'unavailable', from: session.jid }),
            session.presence !== undefined,
          );
        },
        async domainChanged(domain, now, host) {
          if (now === 'again') await unheard.again(domain, host);
          await abroad.changed(domain, now, host);
        },
        accountRemoved: (account) => unheard.forget(account),
      },
    };
  },
});

/** What follows when the barrier lets a stanza pass, or there is none. */
function passing(
  said: MaybePromise<Verdict> | undefined,
  next: () => MaybePromise<Verdict>,
): MaybePromise<Verdict> {
  if (said instanceof Promise) return said.then((late) => passing(late, next));
  return said === undefined || said.kind === 'pass' ? next() : said;
}
