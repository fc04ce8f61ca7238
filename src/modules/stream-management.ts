/** XEP-0198: Stream Management. The counters are in stream/acks.ts, the sessions in c2s/. */
import { defineModule } from '../core/module.ts';
import { el } from '../xml/element.ts';

/** The module: offers what c2s does. */
export const streamManagement = defineModule({
  name: 'stream-management',
  specs: [{ xep: 198, version: '1.6.3', covers: 'complete' }],
  setup: () => ({
    streamFeatures: ({ phase }) =>
      phase === 'authenticated' ? [el('sm', { xmlns: 'urn:xmpp:sm:3' })] : [],
  }),
});
