/** Requests between occupants, and the way back of their answers (XEP-0045 §13.4). */
import type { Jid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { iq as iqStanza } from '../../stanza/build.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { clone, type Element } from '../../xml/element.ts';
import type { Relay } from './turn.ts';

/** Requests that wait for an answer at a time. */
const MAX_OPEN = 10_000;

interface Open {
  readonly asker: Jid;
  readonly id: string;
  /** The address in the room that was asked. */
  readonly asked: Jid;
  /** The address in the room of who asks. */
  readonly from: Jid;
  /** Who answers. */
  readonly answerer: Jid;
}

/** Passes requests and answers on; neither side learns the other's JID. */
export interface Relays {
  /** The request as the one who is asked gets it. */
  forward(relay: Relay): Iq;
  /** The answer as the asker gets it; undefined when nobody waits for it. */
  back(answer: Iq): Iq | undefined;
}

/** Makes a table without requests. */
export function createRelays(): Relays {
  const open = new BoundedMap<string, Open>(MAX_OPEN);
  return {
    forward({ iq, from, to }) {
      const id = randomId();
      open.set(id, { asker: iq.from, id: iq.id, asked: iq.to, from, answerer: to });
      return iqStanza(iq.type, from, to, id, copies(iq));
    },
    back(answer) {
      const asked = open.get(answer.id);
      if (asked === undefined) return undefined;
      if (answer.from !== asked.answerer || answer.to !== asked.from) return undefined;
      open.delete(answer.id);
      return iqStanza(answer.type, asked.asked, asked.asker, asked.id, copies(answer));
    },
  };
}

/** The children; who found an error is not told, for it may be the real JID. */
function copies({ element }: Iq): Element[] {
  return element.children.flatMap((child) => {
    if (typeof child === 'string') return [];
    const copy = clone(child);
    if (copy.name === 'error') delete copy.attrs['by'];
    return [copy];
  });
}
