/**
 * What a session that outlives the process knew of others (XEP-0198 §5): to whom it has to say goodbye, and
 * whom it saw in other domains. What those did while nobody was here, they are asked when its client is back.
 */
import { z } from 'zod';
import type { SessionMemory } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type Jid, parseJid } from '../../jid/jid.ts';
import type { Abroad } from './abroad.ts';
import type { Context } from './context.ts';

/** Of those whom a session saw, so many are written down. */
const MOST_SEEN = 1000;

const remembered = z.object({
  met: z.array(z.string()),
  /** Who was seen, and at which address of the account. */
  seen: z.array(z.tuple([z.string(), z.string()])),
});

/** The memory of sessions. */
export interface PresenceMemory extends SessionMemory {
  /** A client is back: if its session was written down, its contacts of other domains are asked anew (§4.3). */
  awake(session: Session): void;
}

/** Makes it. */
export function createMemory({ home, directed }: Context, abroad: Abroad): PresenceMemory {
  const returning = new WeakSet<Session>();
  return {
    save(session): z.input<typeof remembered> | undefined {
      const met = [...directed.list(session)];
      if (session.presence === undefined && met.length === 0) return undefined;
      const seen = abroad.seenBy(session).slice(0, MOST_SEEN);
      return { met, seen: seen.map(({ from, to }) => [from, to]) };
    },
    restore(session, saved) {
      const read = remembered.safeParse(saved);
      if (!read.success) return;
      const most = home.configOf(session.host).maxDirected;
      for (const jid of jidsIn(read.data.met)) directed.add(session, jid, most);
      for (const pair of read.data.seen) {
        const [from, to] = jidsIn(pair);
        if (from !== undefined && to !== undefined) abroad.recall(session.account, from, to);
      }
      returning.add(session);
    },
    awake(session) {
      if (!returning.delete(session) || session.presence === undefined) return;
      abroad.confirm(session.account).catch((error: unknown) => {
        home.log.error(
          { err: error, account: session.account },
          'contacts could not be asked anew',
        );
      });
    },
  };
}

function jidsIn(texts: readonly string[]): readonly Jid[] {
  return texts.flatMap((text) => {
    const jid = parseJid(text);
    return jid.ok ? [jid.value] : [];
  });
}
