/** The shape of a command: who may use it, and the stages through which it leads (XEP-0050 §2.4). */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Session } from '../../core/sessions.ts';
import type { Domain } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Form } from '../../stanza/form.ts';
import type { Element } from '../../xml/element.ts';
import type { Note } from './payloads.ts';

/** Who asks, and where. */
export interface Asker {
  readonly session: Session;
  /** The host whose commands are asked for. */
  readonly host: Domain;
}

/**
 * A stage: a `form` to be filled in, whose answer leads to the next one; the `end`, with what came of it;
 * or a `refuse`, after which the stage before stands as it was.
 */
export type Stage =
  | {
      readonly kind: 'form';
      readonly form: Omit<Form, 'type'>;
      /** Whether the command ends after it, as far as is known. */
      readonly isLast: boolean;
      readonly notes?: readonly Note[];
      next(answer: Form): MaybePromise<Stage>;
    }
  | {
      readonly kind: 'end';
      readonly notes?: readonly Note[];
      readonly form?: Element;
      /** Where something is to be fetched. */
      readonly url?: string;
      /** What is to be done when the answer was handed to the asker's stream. */
      readonly afterwards?: () => MaybePromise<void>;
    }
  | { readonly kind: 'refuse'; readonly failure: StanzaFailure };

/** A command of a host. */
export interface HostCommand {
  readonly node: string;
  readonly name: string;
  begin(asker: Asker): MaybePromise<Stage>;
}

/** The commands that an asker may use now, in the order of their list. */
export type CommandSource = (asker: Asker) => MaybePromise<readonly HostCommand[]>;
