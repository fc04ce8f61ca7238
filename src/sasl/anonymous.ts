/** ANONYMOUS (RFC 4505, XEP-0175): a stranger gets a name that nobody had before. */
import { randomUUID } from 'node:crypto';
import { failure, type SaslContext, type SaslExchange } from './mechanism.ts';
import { decodeText } from './text.ts';

const MAX_TRACE_CHARS = 255; // RFC 4505 §2

/** Starts an exchange. Trace information is checked for its form, and not kept. */
export function anonymousExchange({
  anonymousAllowed,
}: Pick<SaslContext, 'anonymousAllowed'>): SaslExchange {
  let isOver = false;
  return {
    async step(data) {
      if (isOver) return failure('malformed-request', 'the exchange is over');
      isOver = true;
      if (!anonymousAllowed) return failure('invalid-mechanism', 'strangers are not let in');
      const trace = decodeText(data);
      if (trace === undefined || /\p{Cc}/u.test(trace) || [...trace].length > MAX_TRACE_CHARS) {
        return failure('malformed-request', 'not an ANONYMOUS message');
      }
      return { kind: 'success', username: randomUUID() };
    },
  };
}
