/**
 * Visitors of the support chat get a conversation each: a room of their own, for which the page asks over
 * HTTP before it signs in. Strangers ask, so it is bounded how often and how many.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import { accountJid } from '../../config/fields.ts';
import type { Host } from '../../core/hosts.ts';
import type { Home } from '../../core/module.ts';
import type { HttpEnv } from '../../http/client.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import { networkOf } from '../../kit/remote.ts';
import { type MucService, muc } from '../muc/index.ts';
import type { SupportSettings, WebClientSettings } from './settings.ts';

/** What serves conversations. */
export interface Conversations {
  /** Answers a page that asks for the conversation of its visitor. */
  answer(c: Context<HttpEnv>, host: Host, support: SupportSettings): Promise<Response>;
  stop(): void;
}

/** New ones of one address: some at once, then one in two minutes. */
const OPENED = { burst: 5, perSecond: 1 / 120 };
/** How often colleagues are called again to one visitor. */
const CALLED = { burst: 1, perSecond: 1 / 120 };
const SWEEP_MS = 3_600_000;

/** What a page asks with: its visitor's name, and the conversation that he had. */
const Wish = z.object({
  nick: z.string().regex(/^Visitor \d{4}$/),
  room: accountJid().optional(),
});

const REASONS = {
  'no-lobby': 'the room of modules.webClient.support is not there',
  'open-lobby': 'the room of modules.webClient.support must be for members only',
  full: 'there are too many conversations of modules.webClient.support',
} as const;

/** Makes what serves them. */
export function createConversations(home: Home<WebClientSettings>): Conversations {
  const { clock, log } = home;
  const opened = new RateLimit<string>(clock, OPENED);
  const called = new RateLimit<BareJid>(clock, CALLED);
  const roomsOf = (lobby: BareJid): MucService | undefined => {
    const owner = home.hosts.ownerOf(domainOf(lobby));
    return owner !== undefined && home.has(muc, owner.domain) ? home.use(muc) : undefined;
  };

  const sweep = async () => {
    for (const { domain, config } of home.hosts.all()) {
      const { support } = home.configOf(domain);
      if (support === undefined || !config.anonymous) continue;
      const rooms = roomsOf(support.room);
      await rooms?.conversations.sweep(support.room, clock.now() - support.keepFor);
    }
  };
  const timer = clock.every(SWEEP_MS, () => {
    sweep().catch((error: unknown) => {
      log.error({ err: error }, 'old conversations could not be ended');
    });
  });

  return {
    stop: () => timer.cancel(),
    async answer(c, host, { room: lobby, conversations: most }) {
      // A page of another site cannot send this type without being asked first, which fails.
      if (c.req.header('content-type') !== 'application/json') return c.body(null, 415);
      const wish = Wish.safeParse(await c.req.json().catch(() => undefined));
      if (!wish.success) return c.body(null, 400);
      const { address } = home.web.clientOf(c);
      const rooms = roomsOf(lobby);
      if (rooms === undefined) return c.body(null, 503);
      if (rooms.isShutOut(address, domainOf(lobby))) return c.body(null, 403);
      const { room, nick } = wish.data;
      const state = room === undefined ? 'none' : await rooms.conversations.state(room, lobby);
      if (room !== undefined && state !== 'none') {
        if (state === 'alone' && called.take(room)) await rooms.conversations.call(lobby, room);
        return c.json({ room });
      }
      if (!opened.take(networkOf(address))) return c.body(null, 429);
      const made = await rooms.conversations.open(lobby, { visitor: nick, most });
      if (!made.ok) {
        log.warn({ host: host.domain, lobby }, REASONS[made.why]);
        return c.body(null, 503);
      }
      called.take(made.jid);
      return c.json({ room: made.jid });
    },
  };
}
