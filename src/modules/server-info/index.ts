/**
 * XEP-0485: PubSub Server Information. A host publishes with which domains it federates, and by the same
 * word lets others publish that they federate with it (§7): nothing of it unless an admin switches it on.
 */
import { defineModule } from '../../core/module.ts';
import { CONTACT_FORM, formElement } from '../../stanza/form.ts';
import { pubsub } from '../pubsub/index.ts';
import { type FederatedPair, SERVER_INFO } from './document.ts';
import { createPublisher, NODE, serviceOf } from './publisher.ts';
import { type ServerInfoSettings, serverInfoSettings } from './settings.ts';

export type { FederatedPair } from './document.ts';

/** What the server gives. */
export interface ServerInfoApi {
  /** Takes what tells all pairs of domains as they are now; nothing is published without it. */
  usePairs(pairs: () => readonly FederatedPair[]): void;
}

/** The module. */
export const serverInfo = defineModule<ServerInfoSettings, ServerInfoApi>({
  name: 'serverInfo',
  specs: [{ xep: 485, version: '1.0.0', covers: 'complete', note: 'off unless switched on' }],
  needs: ['pubsub', 'disco'],
  wants: ['version'],
  features: [SERVER_INFO],
  config: serverInfoSettings,
  isOnByDefault: false,
  setup(home) {
    const publisher = createPublisher(home, home.use(pubsub));
    return {
      serverForms(host) {
        const service = serviceOf(home, host);
        if (service === undefined) return [];
        const uri = `xmpp:${encodeURIComponent(service)}?;node=${NODE}`; // XEP-0060 §12.22
        const fields = [{ name: 'serverinfo-pubsub-node', values: [uri] }];
        return [formElement({ type: 'result', formType: CONTACT_FORM, fields })];
      },
      hooks: {
        domainChanged(domain, now, host) {
          if (now === 'gone') publisher.gone(domain, home.hosts.ownerOf(host)?.domain ?? host);
        },
      },
      api: { usePairs: publisher.start },
      stop: publisher.stop,
    };
  },
});
