/** A sign of life of another domain, by the links that stanzas take. */
import type { Router } from '../core/router.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { Pinged } from '../s2s/doctor.ts';
import { iqGet } from '../stanza/build.ts';
import { STANZA_ERRORS } from '../stanza/error.ts';
import { childOf, childrenOf, el, nsOf, textOf } from '../xml/element.ts';

/** A link may have to be made in both directions first. */
const PING_MS = 20_000;

/** What the other domain says itself when it is there, but does not know pings or us. */
const SIGNS_OF_LIFE = [
  'service-unavailable',
  'feature-not-implemented',
  'forbidden',
  'not-allowed',
];

/** Makes the ping (XEP-0199 §4.3). It never rejects. */
export function createRemotePing(router: Pick<Router, 'ask'>, clock: Clock) {
  return async (local: Domain, remote: Domain): Promise<Pinged> => {
    const began = clock.monotonic();
    const payload = el('ping', { xmlns: 'urn:xmpp:ping' });
    const asked = router.ask(iqGet({ from: local, to: remote, payload }), PING_MS);
    const answer = await asked.catch(() => undefined);
    if (answer === undefined) return { ok: false, text: 'no answer came within 20 seconds' };
    const ms = clock.monotonic() - began;
    if (answer.type === 'result') return { ok: true, ms };
    const error = childOf(answer.element, 'error');
    const parts = error === undefined ? [] : childrenOf(error);
    const named = parts.find((each) => nsOf(each) === STANZA_ERRORS && each.name !== 'text');
    const sentence = parts.find(({ name }) => name === 'text');
    const condition = named?.name ?? 'undefined-condition';
    if (SIGNS_OF_LIFE.includes(condition)) return { ok: true, ms };
    return { ok: false, text: sentence === undefined ? condition : textOf(sentence) };
  };
}
