/** The client's side of SASL2 and what goes with it, for tests over real sockets. */
import { createHmac } from 'node:crypto';
import { type Element, el, serialise } from '../../src/xml/element.ts';
import { scramClient } from '../sasl/scram-client.ts';
import { Client, textIn } from './client.ts';

const NS = 'urn:xmpp:sasl:2';

/** A client installation, as it names itself. */
export const PHONE = 'd4565fa7-4d72-4749-b3d3-740edbf87770';
/** Another one. */
export const LAPTOP = '0cc175b9-c0f1-46b6-831c-399e26977266';

/** `<user-agent/>` of an installation. */
export function agent(id: string, software = 'AwesomeXMPP', device = "Kiva's Phone"): string {
  return serialise(
    el('user-agent', { id }, el('software', undefined, software), el('device', undefined, device)),
  );
}

/** `<bind/>` of XEP-0386 with a tag and whatever else is in it. */
export const bind2 = (inner = '', tag = 'AwesomeXMPP') =>
  `<bind xmlns='urn:xmpp:bind:0'>${tag === '' ? '' : `<tag>${tag}</tag>`}${inner}</bind>`;

/** `<request-token/>` of XEP-0484. */
export const requestToken = (mechanism = 'HT-SHA-256-NONE') =>
  `<request-token xmlns='urn:xmpp:fast:0' mechanism='${mechanism}'/>`;

/** `<authenticate/>` with what is in it. */
export function authenticate(mechanism: string, data: Buffer | string, inner = ''): string {
  const initial = Buffer.from(data).toString('base64');
  return (
    `<authenticate xmlns='${NS}' mechanism='${mechanism}'>` +
    `<initial-response>${initial}</initial-response>${inner}</authenticate>`
  );
}

/** `<authenticate/>` by PLAIN. */
export const plain2 = (user: string, password: string, inner = '') =>
  authenticate('PLAIN', `\0${user}\0${password}`, inner);

/** What proves a token (draft-schmaus-kitten-sasl-ht-09). */
export function proofOf(user: string, token: string, binding: Buffer | string = ''): Buffer {
  const tag = createHmac('sha256', token).update('Initiator').update(binding).digest();
  return Buffer.concat([Buffer.from(`${user}\0`), tag]);
}

/** What the server proves in turn. */
export const replyOf = (token: string, binding: Buffer | string = ''): Buffer =>
  createHmac('sha256', token).update('Responder').update(binding).digest();

/** `<authenticate/>` by a token. */
export function fast(
  user: string,
  token: string,
  options: {
    readonly mechanism?: string;
    readonly binding?: Buffer;
    readonly id?: string;
    readonly attrs?: string;
    readonly inner?: string;
  } = {},
): string {
  const { mechanism = 'HT-SHA-256-NONE', binding, id = PHONE, attrs = '', inner = '' } = options;
  const parts = `${agent(id)}<fast xmlns='urn:xmpp:fast:0' ${attrs}/>${inner}`;
  return authenticate(mechanism, proofOf(user, token, binding), parts);
}

/** Connects with TLS first and opens a stream in somebody's name. */
export async function opened(
  port: number,
  from: string,
): Promise<{ client: Client; features: Element }> {
  const client = await Client.connect({ port, tls: { servername: 'localhost' } });
  const { features } = await client.open(`from='${from}'`);
  return { client, features };
}

/** Logs in by SCRAM over SASL2; answers what comes after the last message of the client. */
export async function scram2(
  client: Client,
  options: {
    readonly mechanism: string;
    readonly user: string;
    readonly password: string;
    readonly inner?: string;
    readonly channel?: { readonly type: string; readonly data: Buffer };
  },
): Promise<Element> {
  const { mechanism, user, password, inner = '', channel } = options;
  const digest = `sha${mechanism.replace(/^SCRAM-SHA-|-PLUS$/g, '')}`;
  const scram = scramClient({
    digest,
    username: user,
    password,
    ...(channel === undefined ? {} : { gs2: `p=${channel.type},,`, channel: channel.data }),
  });
  const challenge = await client.ask(authenticate(mechanism, scram.first, inner));
  if (challenge.name !== 'challenge') return challenge;
  const final = scram.final(Buffer.from(textIn(challenge), 'base64')).toString('base64');
  const end = await client.ask(`<response xmlns='${NS}'>${final}</response>`);
  const additional = end.children.find(
    (child) => typeof child !== 'string' && child.name === 'additional-data',
  );
  if (end.name !== 'failure') {
    if (typeof additional !== 'object') throw new Error('the server proves nothing');
    if (!scram.trusts(Buffer.from(textIn(additional), 'base64')))
      throw new Error('the server does not prove that it knows the password');
  }
  return end;
}

/** The child of a name, whatever its namespace; undefined if there is none. */
export function part(element: Element, name: string): Element | undefined {
  for (const child of element.children)
    if (typeof child !== 'string' && child.name === name) return child;
  return undefined;
}

/** The JID that success names. */
export const jidIn = (success: Element) => {
  const named = part(success, 'authorization-identifier');
  return named === undefined ? undefined : textIn(named);
};

/** The condition of a failure. */
export const conditionOf = (failure: Element) =>
  failure.name === 'failure'
    ? failure.children
        .find((child) => typeof child !== 'string')
        ?.toString()
        .match(/^<([a-z-]+)/)?.[1]
    : `no failure but ${failure}`;
