/** XEP-0077 §3.1: an account is made, on a stream that has not logged in. */
import { type EarlyIqRequest, type Reply, reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import { localOf } from '../../jid/jid.ts';
import { RegisterQuery, signUpFields } from './payloads.ts';
import type { RegisterSettings } from './settings.ts';
import type { PermitSource, SignUp } from './sign-up.ts';

/** What the handler works with. */
export interface EarlyOptions {
  readonly home: Home<RegisterSettings>;
  readonly signUp: SignUp;
  readonly sources: readonly PermitSource[];
}

/** Makes the handler of IQs before authentication. */
export function createEarly({ home, signUp, sources }: EarlyOptions) {
  return async ({ host, type, payload, remote, stream }: EarlyIqRequest): Promise<Reply> => {
    const { allowRegistration, instructions, approval } = home.configOf(host);
    const query = RegisterQuery.decode(payload);
    if (query === undefined) return reply.refuse('bad-request');
    const permit = sources.map((source) => source.of(stream)).find((found) => found !== undefined);
    if (type === 'get') {
      if (!allowRegistration && permit === undefined) return reply.refuse('service-unavailable'); // §3.1
      const name = permit?.account === undefined ? undefined : localOf(permit.account);
      const note = approval && permit === undefined ? `${instructions} ${APPROVAL}` : instructions;
      return reply.result(signUpFields(note, name));
    }
    if (query.remove) return reply.refuse('unexpected-request'); // §3.2
    const { username = '', password = '' } = query;
    const done = await signUp({ host, username, password, remote, permit });
    return done.kind === 'refused' ? reply.refuse(done.condition, done.text) : reply.result();
  };
}

const APPROVAL = 'The account can be used when an admin has approved it.';
