/** XEP-0199: XMPP Ping, as the one who is pinged. The pings of idle clients are c2s's own. */
import { onIq, reply } from '../core/iq.ts';
import { defineModule } from '../core/module.ts';
import { payload } from '../xml/codec.ts';

/** `<ping/>`. */
export const Ping = payload('ping', 'urn:xmpp:ping', {});

/** The module. */
export const ping = defineModule({
  name: 'ping',
  specs: [{ xep: 199, version: '2.0.1', covers: 'complete' }],
  features: [Ping.ns],
  accountFeatures: [Ping.ns],
  setup: () => ({
    // §4.2 names the server and the own account. Other accounts do not answer: whether they exist
    // is nobody's business (RFC 6120 §13.11).
    iq: [onIq('get', ['server', 'self'], Ping, () => reply.result())],
  }),
});
