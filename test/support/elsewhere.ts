/** Another domain for a scene, without a server: what is sent there, and what comes from there. */
import { verdict } from '../../src/core/hooks.ts';
import { parseJid } from '../../src/jid/jid.ts';
import { readStanza, type Stanza } from '../../src/stanza/stanza.ts';
import { parse, type Scene } from './scene.ts';

/** All other domains. */
export interface Elsewhere {
  /** What was sent there, oldest first. */
  readonly taken: Stanza[];
  /** Sends a stanza from there; it has a `from`. */
  send(xml: string): Promise<void>;
}

/** Takes all that a scene sends to other domains. */
export function otherServer({ router }: Scene): Elsewhere {
  const taken: Stanza[] = [];
  router.useRemote((stanza) => {
    taken.push(stanza);
    return verdict.handled;
  });
  return {
    taken,
    async send(xml) {
      const element = parse(xml);
      const from = parseJid(element.attrs.from ?? '');
      if (!from.ok) throw new Error(from.why);
      const read = readStanza(element, { from: from.value, defaultTo: undefined });
      if (!read.ok) throw new Error(read.text);
      await router.route(read.stanza);
    },
  };
}
