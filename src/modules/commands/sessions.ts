/**
 * The sessions of commands (XEP-0050 §3.3): they belong to the client that began them, a few to each, end
 * with it, and after some time without a word.
 */
import type { Session } from '../../core/sessions.ts';
import type { Clock } from '../../kit/clock.ts';
import { randomId } from '../../kit/ids.ts';
import type { Stage } from './command.ts';

/** A stage that waits for its form. */
export type FormStage = Extract<Stage, { readonly kind: 'form' }>;

/** A command that is being executed. */
export interface CommandSession {
  readonly id: string;
  readonly node: string;
  /** The stages that were shown, the present one last. */
  readonly stages: FormStage[];
  /** Whether a stage is being worked on at this moment. */
  isBusy: boolean;
}

/** The sessions of all clients. */
export interface CommandSessions {
  begin(client: Session, node: string, first: FormStage): CommandSession;
  /** A session that is not over, which thereby lives on. */
  find(client: Session, id: string): CommandSession | undefined;
  end(client: Session, id: string): void;
}

/** A person fills in a form within this time, or begins anew. */
const LIFETIME_MS = 10 * 60_000;
/** What one client may have begun; the oldest is forgotten. */
const MOST_SESSIONS = 5;
/** Stages to which one can go back. */
export const MOST_STAGES = 10;

/** Makes an empty set. */
export function createCommandSessions(clock: Clock): CommandSessions {
  type Entry = { readonly session: CommandSession; used: number };
  const byClient = new WeakMap<Session, Map<string, Entry>>();
  return {
    begin(client, node, first) {
      const own = byClient.get(client) ?? new Map<string, Entry>();
      byClient.set(client, own);
      const [oldest] = own.keys();
      if (own.size >= MOST_SESSIONS && oldest !== undefined) own.delete(oldest);
      const session = { id: randomId(), node, stages: [first], isBusy: false };
      own.set(session.id, { session, used: clock.monotonic() });
      return session;
    },
    find(client, id) {
      const own = byClient.get(client);
      const found = own?.get(id);
      if (found === undefined) return undefined;
      const now = clock.monotonic();
      if (now - found.used > LIFETIME_MS) {
        own?.delete(id);
        return undefined;
      }
      found.used = now;
      return found.session;
    },
    end: (client, id) => void byClient.get(client)?.delete(id),
  };
}
