/** XEP-0280: Message Carbons: each resource of an account has both sides of all conversations. */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { type IqRequest, onIq, type Reply, reply } from '../../core/iq.ts';
import { defineModule } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { CARBONS } from '../../stanza/content.ts';
import { payload } from '../../xml/codec.ts';
import { presence } from '../presence/index.ts';
import { createCopies } from './copying.ts';

/** `<enable/>`. */
export const Enable = payload('enable', CARBONS, {});
/** `<disable/>`. */
export const Disable = payload('disable', CARBONS, {});

/** What other modules may use. */
export interface CarbonsApi {
  /** Whether a session takes part. */
  isEnabled(session: Session): boolean;
}

/** The module. */
export const carbons = defineModule<undefined, CarbonsApi>({
  name: 'carbons',
  specs: [
    {
      xep: 280,
      version: '1.0.1',
      covers: 'complete',
      note: 'the rules of urn:xmpp:carbons:rules:0',
    },
    { xep: 297, version: '1.0', covers: 'partial', note: 'the form of carbon copies' },
  ],
  needs: ['presence'],
  features: [CARBONS, 'urn:xmpp:carbons:rules:0'],
  setup(home) {
    const enabled = new WeakSet<Session>();
    const copies = createCopies(home, enabled, home.use(presence));
    return {
      iq: [
        onIq(
          'set',
          ['self'],
          Enable,
          own((session) => enabled.add(session)),
        ),
        onIq(
          'set',
          ['self'],
          Disable,
          own((session) => enabled.delete(session)),
        ),
        // §4.1, §5.1; the same whether there is such an account or not.
        onIq('set', ['server', 'account', 'nobody'], Enable, () => reply.refuse('not-allowed')),
        onIq('set', ['server', 'account', 'nobody'], Disable, () => reply.refuse('not-allowed')),
      ],
      bindFeatures: [
        {
          announced: CARBONS,
          ns: CARBONS,
          bind(session, request) {
            if (request !== undefined && Enable.decode(request) !== undefined) enabled.add(session);
            return undefined; // XEP-0386 §3.2: it always succeeds, so that it needs no answer
          },
        },
      ],
      sessionNote: (session) => (enabled.has(session) ? 'carbons' : undefined),
      memory: {
        save: (session) => (enabled.has(session) ? true : undefined),
        restore(session, saved) {
          if (saved === true) enabled.add(session);
        },
      },
      hooks: {
        fromAccount(stanza, session) {
          if (stanza.kind === 'message') copies.ofSent(stanza, session);
          return verdict.pass;
        },
        toAccount(stanza, account): MaybePromise<Verdict> {
          if (stanza.kind === 'message' && stanza.type === 'error')
            copies.ofReceivedError(stanza, account);
          return verdict.pass;
        },
        handed: copies.ofReceived,
      },
      api: {
        isEnabled: (session) => enabled.has(session),
      },
    };
  },
});

/** §10.1: as often as the client likes. A request for oneself has a session, for it is of this host. */
const own =
  (change: (session: Session) => void) =>
  ({ session }: IqRequest<unknown>): Reply => {
    if (session === undefined) return reply.refuse('not-allowed');
    change(session);
    return reply.result();
  };
