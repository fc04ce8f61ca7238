/** What guests without an account may send: so many messages a minute (XEP-0175 §2). */
import { verdict } from '../core/hooks.ts';
import { defineModule } from '../core/module.ts';
import type { BareJid } from '../jid/jid.ts';
import { RateLimit } from '../kit/limits.ts';

/** How many guests are remembered. */
const REMEMBERED = 10_000;

const TOO_MANY = verdict.bounce({
  condition: 'policy-violation',
  type: 'wait',
  text: 'You are sending too many messages; wait a little.',
});

/** The module. */
export const guests = defineModule({
  name: 'guests',
  specs: [],
  setup({ clock, server }) {
    let rate = 0;
    let allowance: RateLimit<BareJid> | undefined;
    /** A third at once, the rest as the minute passes; made anew when the config changes. */
    const current = () => {
      const { messagesPerMinute } = server().limits.guests;
      if (allowance === undefined || rate !== messagesPerMinute) {
        rate = messagesPerMinute;
        const burst = Math.ceil(rate / 3);
        allowance = new RateLimit(clock, { burst, perSecond: rate / 60, keys: REMEMBERED });
      }
      return allowance;
    };
    return {
      hooks: {
        fromAccount({ kind }, { account, isAnonymous }) {
          if (kind !== 'message' || !isAnonymous) return verdict.pass;
          return current().take(account) ? verdict.pass : TOO_MANY;
        },
      },
    };
  },
});
