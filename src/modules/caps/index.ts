/**
 * XEP-0115: Entity Capabilities of the server itself, told in its stream features (§6.3), and what
 * clients say of theirs, also by XEP-0390.
 */
import { defineModule } from '../../core/module.ts';
import { PROGRAM } from '../../kit/program.ts';
import { attr, payload } from '../../xml/codec.ts';
import { disco } from '../disco/index.ts';
import { type Clients, createClients } from './clients.ts';
import { CAPS } from './marks.ts';
import { verificationString } from './verification.ts';

export type { Clients, Wanted } from './clients.ts';
export type { CapsMark } from './marks.ts';

/** `<c/>` (§4). */
export const Capabilities = payload('c', CAPS, {
  hash: attr('hash'),
  node: attr('node'),
  ver: attr('ver'),
});

/** What other modules may use. */
export interface CapsApi {
  readonly clients: Clients;
}

/** The module. */
export const caps = defineModule<undefined, CapsApi>({
  name: 'caps',
  specs: [
    { xep: 115, version: '1.6.0', covers: 'partial', note: 'no caps optimization (§8.4)' },
    { xep: 390, version: '0.3.2', covers: 'partial', note: 'of clients; the server has none' },
  ],
  needs: ['disco'],
  features: [Capabilities.ns],
  setup(home) {
    const { serverInfo, addServerNode } = home.use(disco);
    // §6.2: whoever saw <c/> asks for node#ver
    addServerNode((host, node) => {
      if (!home.isEnabled(host) || !node.startsWith(`${PROGRAM.uri}#`)) return undefined;
      const info = serverInfo(host);
      return node === `${PROGRAM.uri}#${verificationString(info)}` ? info : undefined;
    });
    return {
      api: { clients: createClients(home) },
      streamFeatures({ phase, host }) {
        if (phase === 'early') return []; // who may log in learns what there is, strangers need not
        const ver = verificationString(serverInfo(host));
        return [Capabilities.encode({ hash: 'sha-1', node: PROGRAM.uri, ver })];
      },
    };
  },
});
