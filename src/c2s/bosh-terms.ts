/** What holds in a BOSH session (XEP-0124 §7): what the client asks for, within what we allow. */
import type { BoshBody, BoshOpening } from './bosh-body.ts';

/** What holds in one session; times are in seconds, as they are said. */
export interface BoshTerms {
  /** The longest that a request is held; 0 for a client that polls (§12). */
  readonly wait: number;
  /** How many requests are held. */
  readonly hold: number;
  /** How many requests the client may have at a time. */
  readonly requests: number;
  /** The longest that the client may have no request with us. */
  readonly inactivity: number;
}

/** How often one who is told nothing may ask again, in seconds (§11, §12). */
export const POLLING_S = 5;
/** The longest pause, in seconds (§10). */
export const PAUSE_MOST_S = 120;

const WAIT_MOST_S = 60;
const HOLD_MOST = 4;
/** §10: a round trip under difficult conditions; more for those who poll (§12). */
const INACTIVITY_S = 30;
const INACTIVITY_POLLING_S = 60;
const NEWEST = '1.11';

/** What holds in a session that is asked for. */
export function termsOf({ wait: asked, hold: most }: BoshOpening): BoshTerms {
  const wait = Math.min(asked ?? WAIT_MOST_S, WAIT_MOST_S);
  const hold = wait === 0 ? 0 : Math.min(most ?? 1, HOLD_MOST);
  return {
    wait,
    hold,
    requests: hold + 1,
    inactivity: hold === 0 ? INACTIVITY_POLLING_S : INACTIVITY_S,
  };
}

/** What the first answer says (§7.2, XEP-0206 §4). */
export function openingAttributes(session: {
  readonly sid: string;
  readonly terms: BoshTerms;
  readonly opening: BoshOpening;
  readonly body: BoshBody;
  /** The id of the stream. */
  readonly authid: string | undefined;
}) {
  const { sid, terms, opening, body, authid } = session;
  return {
    sid,
    ...terms,
    polling: POLLING_S,
    maxpause: PAUSE_MOST_S,
    ver: opening.ver ?? NEWEST,
    charsets: 'UTF-8',
    from: body.to,
    authid,
    'xmpp:version': '1.0',
    'xmpp:restartlogic': 'true',
  };
}
