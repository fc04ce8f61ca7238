/** XEP-0478: Stream Limits Advertisement. */
import { defineModule } from '../core/module.ts';
import { childText, payload } from '../xml/codec.ts';

/** `<limits/>` (§3.1). */
export const StreamLimits = payload('limits', 'urn:xmpp:stream-limits:0', {
  maxBytes: childText('max-bytes'),
  idleSeconds: childText('idle-seconds'),
});

/** The module. */
export const limits = defineModule({
  name: 'limits',
  specs: [{ xep: 478, version: '0.2.0', covers: 'complete', note: 'on streams of clients' }],
  setup: ({ server }) => ({
    streamFeatures({ phase }) {
      const now = server().limits;
      const [bytes, ms] =
        phase === 'early'
          ? [now.stanzaBytesBeforeAuth, now.authTimeout]
          : [now.stanzaBytes, now.idlePing];
      const idleSeconds = String(Math.floor(ms / 1000));
      return [StreamLimits.encode({ maxBytes: String(bytes), idleSeconds })];
    },
  }),
});
