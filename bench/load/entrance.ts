/** Ways to log in: what happens on a stream from its opening to a full JID. */
import { createHmac, randomUUID } from 'node:crypto';
import type { Account } from '../servers/people.ts';
import { beginScram, type KeyCache } from './scram.ts';

/** A stream that nobody is logged in on. */
export interface Opening {
  /** Opens a stream; resolves to its features. */
  open(attributes?: string): Promise<string>;
  send(text: string): void;
  /** The next element; rejects unless it begins so. */
  expect(start: string): Promise<string>;
}

/** Authenticates and binds a resource; resolves to the full JID. */
export type Entrance = (stream: Opening) => Promise<string>;

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const SASL2 = 'urn:xmpp:sasl:2';
const MECHANISM = 'HT-SHA-256-NONE';

/** SCRAM-SHA-1 and resource binding (RFC 6120 §6, §7). */
export function byScram({ user, password }: Account, keys: KeyCache): Entrance {
  return async (stream) => {
    const features = await stream.open();
    if (!features.includes('>SCRAM-SHA-1<'))
      throw new Error(`the server does not offer SCRAM-SHA-1: ${features}`);
    const scram = beginScram(user, password, keys);
    stream.send(`<auth xmlns='${SASL}' mechanism='SCRAM-SHA-1'>${toBase64(scram.first)}</auth>`);
    const answer = await scram.answer(textOf(await stream.expect('<challenge')));
    stream.send(`<response xmlns='${SASL}'>${toBase64(answer)}</response>`);
    scram.check(textOf(await stream.expect('<success')));
    await stream.open();
    stream.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    return jidIn(await stream.expect('<iq'), 'jid');
  };
}

/** What a device keeps to come back with. */
export interface Pass {
  /** The id of the device (XEP-0388). */
  readonly device: string;
  readonly token: string;
}

/** SASL2 with a password and Bind 2, asking for a token (XEP-0484); `keep` is given it. */
export function byPassword(
  { user, password }: Account,
  domain: string,
  keep: (pass: Pass) => void,
): Entrance {
  return async (stream) => {
    const device = randomUUID();
    await stream.open(`from='${user}@${domain}'`);
    const request = `<request-token xmlns='urn:xmpp:fast:0' mechanism='${MECHANISM}'/>`;
    stream.send(authenticate('PLAIN', `\0${user}\0${password}`, device, request));
    const success = await stream.expect('<success');
    const token = /<token [^>]*token=["']([^"']+)/.exec(success)?.[1];
    if (token === undefined) throw new Error(`no token was given: ${success}`);
    keep({ device, token });
    await stream.expect('<stream:features');
    return jidIn(success, 'authorization-identifier');
  };
}

/**
 * SASL2 with a token and Bind 2: opened and asked in one go, as the client knows from the last time what
 * the server offers.
 */
export function byToken({ user }: Account, domain: string, { device, token }: Pass): Entrance {
  return async (stream) => {
    const opened = stream.open(`from='${user}@${domain}'`);
    const proof = createHmac('sha256', token).update('Initiator').digest();
    const data = Buffer.concat([Buffer.from(`${user}\0`), proof]);
    stream.send(authenticate(MECHANISM, data, device, "<fast xmlns='urn:xmpp:fast:0'/>"));
    await opened;
    const success = await stream.expect('<success');
    await stream.expect('<stream:features');
    return jidIn(success, 'authorization-identifier');
  };
}

const authenticate = (mechanism: string, data: Buffer | string, device: string, inner: string) =>
  `<authenticate xmlns='${SASL2}' mechanism='${mechanism}'>` +
  `<initial-response>${toBase64(data)}</initial-response>` +
  `<user-agent id='${device}'><software>bench</software></user-agent>` +
  `<bind xmlns='urn:xmpp:bind:0'><tag>bench</tag></bind>${inner}</authenticate>`;

const toBase64 = (data: Buffer | string) => Buffer.from(data).toString('base64');

/** The text of an element that holds base64. */
const textOf = (element: string) =>
  Buffer.from(
    element.slice(element.indexOf('>') + 1, element.lastIndexOf('<')),
    'base64',
  ).toString();

function jidIn(element: string, name: string): string {
  const jid = new RegExp(`<${name}>([^<]+)</${name}>`).exec(element)?.[1];
  if (jid === undefined) throw new Error(`no resource was bound: ${element}`);
  return jid;
}
