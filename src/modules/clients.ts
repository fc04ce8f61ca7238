/** XEP-0494: Client Access Management. A user sees what has access to the account, and takes it away. */
import type { Device } from '../core/devices.ts';
import { deviceId } from '../core/devices.ts';
import { type IqRequest, onIq, type Reply, reply } from '../core/iq.ts';
import { defineModule, type Home } from '../core/module.ts';
import type { Session } from '../core/sessions.ts';
import { type BareJid, resourceOf } from '../jid/jid.ts';
import { attr, payload } from '../xml/codec.ts';
import { writeDateTime } from '../xml/date-time.ts';
import { type Element, el } from '../xml/element.ts';

const CAM = 'urn:xmpp:cam:0';
const REVOKED = 'The access of this client was revoked.';

/** `<list/>` */
const List = payload('list', CAM, {});
/** `<revoke/>` */
const Revoke = payload('revoke', CAM, { id: attr('id') });

/** A client that has access. */
type Client = Omit<Device, 'kind' | 'address' | 'mechanism'> & {
  readonly sessions: readonly Session[];
};

/** The module. */
export const clients = defineModule({
  name: 'clients',
  specs: [{ xep: 494, version: '0.1.0', covers: 'complete' }],
  accountFeatures: [CAM],
  setup(home) {
    return {
      iq: [
        onIq('get', ['self'], List, ({ session }) =>
          session === undefined || session.isAnonymous
            ? reply.refuse('service-unavailable')
            : list(home, session.account),
        ),
        onIq('set', ['self'], Revoke, (request) => revoke(home, request)),
      ],
    };
  },
});

/** §3.1 */
async function list(home: Home<undefined>, account: BareJid): Promise<Reply> {
  const found = await clientsOf(home, account);
  return reply.result(el('clients', { xmlns: CAM }, ...found.map(clientElement)));
}

/** §3.2 */
async function revoke(
  home: Home<undefined>,
  { session, payload: { id } }: IqRequest<{ readonly id: string }>,
): Promise<Reply> {
  if (session === undefined || session.isAnonymous) return reply.refuse('service-unavailable');
  const { account } = session;
  const client = (await clientsOf(home, account)).find((each) => each.id === id);
  if (client === undefined) return reply.refuse('item-not-found');
  if (client.knowsPassword) {
    const app = el('password-reset-required', { xmlns: CAM });
    return reply.refuse('service-unavailable', 'It knows the password.', app);
  }
  await home.devices.revoke({ account, id });
  home.log.info({ account, device: id }, 'a client was revoked by its user');
  for (const other of client.sessions) if (other !== session) other.end('not-authorized', REVOKED);
  return reply.result(undefined, () => {
    if (client.sessions.includes(session)) session.end('not-authorized', REVOKED);
  });
}

/** What has access: devices that can log in, and whatever is logged in. */
async function clientsOf(
  { devices, sessions }: Home<undefined>,
  account: BareJid,
): Promise<Client[]> {
  const known = (await devices.list(account)).map((device) => ({
    ...device,
    sessions: sessions.of(account).filter((session) => session.device?.id === device.id),
  }));
  const ids = new Set(known.map(({ id }) => id));
  const others = sessions
    .of(account)
    .filter(({ device }) => device === undefined || !ids.has(device.id));
  return [
    ...known.filter(
      ({ knowsPassword, hasToken, sessions: own }) => knowsPassword || hasToken || own.length > 0,
    ),
    ...others.map(unknownClient),
  ];
}

/** A session that would not be known again: nobody comes so far without the password. */
function unknownClient(session: Session): Client {
  const resource = resourceOf(session.jid);
  return {
    id: session.device?.id ?? deviceId(session.account, 'resource', resource),
    software: session.device?.software ?? '',
    name: session.device?.name ?? '',
    resource,
    firstSeen: session.since,
    lastSeen: session.lastActive,
    knowsPassword: true,
    hasToken: false,
    sessions: [session],
  };
}

function clientElement(client: Client): Element {
  const { id, software, name, resource, firstSeen, lastSeen, sessions } = client;
  const active = sessions.map((session) => session.lastActive);
  const type = resource === '' && sessions.length === 0 ? 'access' : 'session';
  return el(
    'client',
    { connected: String(sessions.length > 0), id, type },
    el('first-seen', undefined, writeDateTime(firstSeen)),
    el('last-seen', undefined, writeDateTime(Math.max(lastSeen, ...active))),
    el('auth', undefined, client.knowsPassword && el('password'), client.hasToken && el('fast')),
    el('permission', { status: 'unrestricted' }),
    (software !== '' || name !== '') &&
      el(
        'user-agent',
        undefined,
        software !== '' && el('software', undefined, software),
        name !== '' && el('device', undefined, name),
      ),
  );
}
