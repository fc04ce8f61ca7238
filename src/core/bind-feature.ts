/** What is done for a session in the same step in which it is bound (XEP-0386). */
import type { Element } from '../xml/element.ts';
import type { MaybePromise } from './hooks.ts';
import type { Session } from './sessions.ts';

/** Something that a client can have with its `<bind/>`; modules bring them, and the client side. */
export interface BindFeature {
  /**
   * The `var` by which it is announced (§3.1); undefined for what comes unasked, such as the state of
   * the archive.
   */
  readonly announced: string | undefined;
  /** The namespace of the child of `<bind/>` that asks for it. */
  readonly ns: string;
  /**
   * Does it, with the child that asked, or undefined if none did, and answers what `<bound/>` is to
   * hold. It is called in the turn in which the session is bound, before anything can come to it; what
   * it is sent before `<success/>` follows that, so that nothing is lost between, say, the state of
   * the archive and the first live message. One that rejects is a bug, and left out.
   */
  bind(session: Session, request: Element | undefined): MaybePromise<Element | undefined>;
}
