/** The session element of RFC 3921 §3, which RFC 6121 has dropped and old clients still ask for. */
import { onIq, reply } from '../core/iq.ts';
import { defineModule } from '../core/module.ts';
import { payload } from '../xml/codec.ts';
import { el } from '../xml/element.ts';

/** `<session/>`. */
export const EstablishSession = payload('session', 'urn:ietf:params:xml:ns:xmpp-session', {});

/** The module. */
export const session = defineModule({
  name: 'session',
  specs: [{ rfc: 3921, sections: '3', covers: 'complete', note: 'as something optional' }],
  setup: () => ({
    iq: [
      onIq('set', ['server', 'self'], EstablishSession, (request) =>
        request.session === undefined ? reply.refuse('service-unavailable') : reply.result(),
      ),
    ],
    streamFeatures: ({ phase }) =>
      phase === 'authenticated'
        ? [el('session', { xmlns: EstablishSession.ns }, el('optional'))]
        : [],
  }),
});
