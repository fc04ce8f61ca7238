/** People with accounts on a running server, and the programs by which they chat. */
import { join } from 'node:path';
import { z } from 'zod';
import { type ClientProgram, startClient, startPython } from '../support/client-program.ts';
import { DOMAIN, LOOPBACK, type Ports, type Program } from '../support/program.ts';

/** The two ways in: STARTTLS on the port for it (RFC 6120 §5), or TLS at once (XEP-0368). */
export const WAYS = ['starttls', 'direct TLS'] as const;
/** One of {@link WAYS}. */
export type Way = (typeof WAYS)[number];

const LoggedIn = z.object({
  jid: z.string(),
  tls: z.string(),
  mechanism: z.string(),
  /** What it may log in with next time (XEP-0484). */
  token: z.looseObject({ mechanism: z.string(), token: z.string() }).nullish(),
});
/** What a client says of its session. */
export type LoggedIn = z.infer<typeof LoggedIn>;

/** Someone with an account. */
export interface Person {
  readonly name: string;
  readonly jid: string;
  readonly password: string;
}

/** A client that has not logged in yet. */
export interface Client extends ClientProgram {
  login(
    person: Person,
    way: Way,
    options?: { mechanism?: string; agent?: string; token?: object; managed?: boolean },
  ): Promise<LoggedIn>;
}

/** The people and clients of one test file. */
export interface People {
  /** Makes an account; the name is made unique. */
  person(name: string): Promise<Person>;
  slixmpp(): Client;
  aioxmpp(): Client;
  xmppJs(): Client;
  /** Ends all clients. */
  leave(): Promise<void>;
}

/** Brings people to a server. */
export function peopleOn(
  program: Pick<Program, 'addAccount' | 'certificate'> & { ports: Pick<Ports, 'c2s' | 'c2sTls'> },
): People {
  let count = 0;
  let clients: readonly ClientProgram[] = [];
  const follow = (client: ClientProgram) => {
    clients = [...clients, client];
    return client;
  };
  const python = (name: string): Client => {
    const client = follow(startPython(name));
    return {
      ...client,
      login: async ({ jid, password }, way, options) =>
        LoggedIn.parse(
          await client.ask('login', {
            jid,
            password,
            host: DOMAIN,
            port: portFor(way),
            direct: way === 'direct TLS',
            certificate: program.certificate,
            ...options,
          }),
        ),
    };
  };
  const portFor = (way: Way) => (way === 'starttls' ? program.ports.c2s : program.ports.c2sTls);

  return {
    async person(name) {
      count += 1;
      const unique = `${name}${count}`;
      const password = `${unique}'s secret`;
      return { name: unique, password, jid: await program.addAccount(unique, password) };
    },
    slixmpp: () => python('slixmpp_client.py'),
    aioxmpp: () => python('aioxmpp_client.py'),
    xmppJs() {
      const script = join(import.meta.dirname, 'xmppjs/client.js');
      const env = { NODE_EXTRA_CA_CERTS: program.certificate };
      const client = follow(startClient(process.execPath, [script], env));
      return {
        ...client,
        login: async ({ name, password }, way, options) =>
          LoggedIn.parse(
            await client.ask('login', {
              service: `${way === 'starttls' ? 'xmpp' : 'xmpps'}://${DOMAIN}:${portFor(way)}`,
              domain: DOMAIN,
              username: name,
              password,
              resource: 'program',
              ...options,
            }),
          ),
      };
    },
    async leave() {
      await Promise.all(clients.map((client) => client.kill()));
      clients = [];
    },
  };
}

/** The address that clients connect to, for those that are told it apart from the domain. */
export const ADDRESS = LOOPBACK;

/** Has two people, who are logged in, subscribe to each other (RFC 6121 §3.1); both see it. */
export async function befriend(
  [one, first]: readonly [Person, Client],
  [other, second]: readonly [Person, Client],
): Promise<void> {
  await first.ask('presence', { to: other.jid, type: 'subscribe' });
  await second.sees({ event: 'presence', type: 'subscribe', from: one.jid });
  await second.ask('presence', { to: one.jid, type: 'subscribed' });
  await first.sees({ event: 'presence', type: 'subscribed', from: other.jid });
  await second.ask('presence', { to: one.jid, type: 'subscribe' });
  await first.sees({ event: 'presence', type: 'subscribe', from: other.jid });
  await first.ask('presence', { to: other.jid, type: 'subscribed' });
  await second.sees({ event: 'presence', type: 'subscribed', from: one.jid });
}
