/** PLAIN (RFC 4616): name and password in the clear, for use under TLS only. */
import { prepareLocal } from '../jid/jid.ts';
import { failure, type SaslExchange, type SaslStep } from './mechanism.ts';
import { type CredentialSource, verifyPassword } from './scram-keys.ts';
import { decodeText } from './text.ts';

const MESSAGE = /^([^\0]*)\0([^\0]+)\0([^\0]+)$/; // §2

/** Starts an exchange; the password is checked against stored SCRAM keys. */
export function plainExchange(source: CredentialSource): SaslExchange {
  let state: 'start' | 'prompted' | 'over' = 'start';
  return {
    async step(data) {
      const current = state;
      state = 'over';
      if (current === 'over') return failure('malformed-request', 'the exchange is over');
      if (data.length === 0 && current === 'start') {
        state = 'prompted'; // RFC 4422 §5: an empty challenge asks for the message
        return { kind: 'challenge', data };
      }
      return verify(source, data);
    },
  };
}

async function verify(source: CredentialSource, data: Buffer): Promise<SaslStep> {
  const [, authzid, name, password] = MESSAGE.exec(decodeText(data) ?? '') ?? [];
  if (name === undefined || password === undefined) {
    return failure('malformed-request', 'not a PLAIN message');
  }
  const username = prepareLocal(name);
  if (username === undefined || !(await verifyPassword(source, username, password))) {
    return failure('not-authorized', 'the user or the password is wrong');
  }
  return authzid ? { kind: 'success', username, authzid } : { kind: 'success', username };
}
