/** go-sendxmpp, a program that sends one message and ends. */
import { DOMAIN, type Finished, type Program, runToEnd } from '../support/program.ts';
import type { Person, Way } from './people.ts';

/** Has it log in and send a message. */
export function sendBy(
  { ports, folder, certificate }: Program,
  way: Way,
  { from, to, body }: { readonly from: Person; readonly to: Person; readonly body: string },
): Promise<Finished> {
  const address = `${DOMAIN}:${way === 'starttls' ? ports.c2s : ports.c2sTls}`;
  const { jid, password } = from;
  const words = ['-u', jid, '-p', password, '-j', address, ...(way === 'starttls' ? [] : ['-t'])];
  const env = { ...process.env, HOME: folder, SSL_CERT_FILE: certificate };
  return runToEnd('go-sendxmpp', [...words, to.jid], { input: body, env });
}
