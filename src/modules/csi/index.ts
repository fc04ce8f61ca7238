/** XEP-0352: Client State Indication: what can wait is held back from a client at which nobody looks. */
import { z } from 'zod';
import { defineModule } from '../../core/module.ts';
import type { Restraint } from '../../core/restraint.ts';
import type { Session } from '../../core/sessions.ts';
import { payload } from '../../xml/codec.ts';
import { el } from '../../xml/element.ts';
import { HOLDABLE, type Holdable, turnOf } from './urgency.ts';

const NS = 'urn:xmpp:csi:0';

/** `<active/>`: the user looks at the client. */
export const Active = payload('active', NS, {});
/** `<inactive/>`: he does not. */
export const Inactive = payload('inactive', NS, {});

const config = z.object({
  hold: z
    .array(z.enum(HOLDABLE))
    .default([...HOLDABLE])
    .describe(
      'What is held back from inactive clients: presence (the last of each), chat-states (the last ' +
        'of each), receipts (and markers), events (notifications of PEP), copies (of what the user ' +
        'sends from another client).',
    ),
  maxStanzas: z
    .int()
    .nonnegative()
    .default(250)
    .describe('The most stanzas that are held back from one client.'),
  maxBytes: z
    .int()
    .nonnegative()
    .default(200_000)
    .describe('The most bytes that are held back from one client.'),
});

/** The module. */
export const csi = defineModule<z.output<typeof config>>({
  name: 'csi',
  specs: [{ xep: 352, version: '1.0.0', covers: 'complete' }],
  config,
  setup(home) {
    const restraintOf = ({ host, account }: Session): Restraint => {
      const { hold, ...limits } = home.configOf(host);
      const held = new Set<Holdable>(hold);
      return { ...limits, turnOf: (stanza) => turnOf(stanza, account, held) };
    };
    return {
      /** Who is held back from where this is off by now has no way to say that he is active. */
      configured() {
        for (const session of home.sessions.all())
          if (!home.isEnabled(session.host)) session.restrain(undefined);
      },
      streamFeatures: ({ phase }) => (phase === 'early' ? [] : [el('csi', { xmlns: NS })]),
      bindFeatures: [
        {
          announced: NS,
          ns: NS,
          bind(session, request) {
            if (request !== undefined && Inactive.decode(request) !== undefined)
              session.restrain(restraintOf(session));
            return undefined;
          },
        },
      ],
      nonzas: [
        { key: Active.key, handle: (session) => session.restrain(undefined) },
        { key: Inactive.key, handle: (session) => session.restrain(restraintOf(session)) },
      ],
    };
  },
});
