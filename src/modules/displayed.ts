/**
 * XEP-0490: Message Displayed Synchronization, as far as a server assists: what a client says for its other
 * devices in a message to somebody goes to the account's node, and not to him (§4.4.3).
 */
import { verdict } from '../core/hooks.ts';
import { defineModule } from '../core/module.ts';
import type { Session } from '../core/sessions.ts';
import { type Message, withChildren } from '../stanza/stanza.ts';
import { type Element, isNamed } from '../xml/element.ts';
import { PRIVATE_LIST, pubsub } from './pubsub/index.ts';

/** The namespace, and the node. */
const DISPLAYED = 'urn:xmpp:mds:displayed:0';

/** The module. */
export const displayed = defineModule({
  name: 'displayed',
  specs: [{ xep: 490, version: '1.0.1', covers: 'complete', note: 'with server assist' }],
  needs: ['pubsub'],
  accountFeatures: ['urn:xmpp:mds:server-assist:0'],
  setup(home) {
    const nodes = home.use(pubsub);
    const publish = async ({ account, isAnonymous }: Session, id: string, payload: Element) => {
      if (isAnonymous) return;
      const node = await nodes.node(account, DISPLAYED);
      // §7: nobody else may read it; one that is configured otherwise is left alone.
      if (node !== undefined && node.config.accessModel !== 'whitelist') return;
      const refused = await nodes.publish(
        account,
        DISPLAYED,
        { id, payload },
        { config: PRIVATE_LIST },
      );
      if (refused !== undefined)
        home.log.debug({ account, ...refused }, 'a displayed state was not kept');
    };
    return {
      hooks: {
        fromAccount(stanza, session) {
          if (stanza.kind !== 'message') return verdict.pass;
          const found = markersIn(stanza);
          const [marker] = found;
          if (marker === undefined) return verdict.pass;
          const others = stanza.element.children.filter(
            (child) => typeof child === 'string' || !found.includes(child),
          );
          const stripped = withChildren(stanza, others);
          if (stanza.type === 'error') return verdict.passAs(stripped);
          return verdict.passAs(stripped, publish(session, stanza.to, marker));
        },
      },
    };
  },
});

const markersIn = ({ element }: Message): readonly Element[] =>
  element.children.flatMap((child) =>
    typeof child !== 'string' && isNamed(child, 'displayed', DISPLAYED) ? [child] : [],
  );
