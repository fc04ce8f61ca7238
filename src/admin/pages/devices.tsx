/** The devices of a user, on his page, and revoking one. */
import type { Hono } from 'hono';
import { failure, type OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, userPath } from '../desk.tsx';
import { Ago, Badge, Confirm, Empty, Problem, Table } from '../ui/parts.tsx';
import { type DeviceView, devicesView, revokedView } from '../views/accounts.ts';

const ACCESS: Readonly<Record<DeviceView['access'], string>> = {
  password: 'Password',
  token: 'Token',
  'password, token': 'Password and token',
  none: 'None',
};

/** What a person would call a device. */
const nameOf = ({ name, software, resource }: DeviceView) =>
  name || software || resource || 'A device without a name';

/** The page that asks before a device is revoked. */
const revokePath = (jid: string, id: string) => `${userPath(jid, 'revoke')}?device=${id}`;

/** Adds these pages. */
export function addDevicePages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get('/admin/users/:jid/revoke', (c) =>
    confirm(c, desk, c.req.param('jid'), c.req.query('device') ?? ''),
  );
  app.post('/admin/users/:jid/revoke', async (c) => {
    const jid = c.req.param('jid');
    const { device = '' } = await fieldsOf(c);
    const outcome = await desk.ask(c, 'accounts.revoke', { jid, device }, revokedView);
    if (!outcome.ok) return confirm(c, desk, jid, device, outcome);
    return desk.done(
      c,
      userPath(jid),
      outcome.value.knowsPassword
        ? 'The device is logged out. It knows the password: set a new one to keep it out.'
        : 'The device can no longer log in.',
    );
  });
}

/** The devices of an account, as a section of its page. */
export async function deviceSection(c: Ask, desk: Desk, jid: string) {
  const outcome = await desk.ask(c, 'accounts.devices', { jid }, devicesView);
  return (
    <section aria-labelledby="devices">
      <h2 id="devices">Devices</h2>
      {outcome.ok ? (
        <DeviceTable jid={jid} devices={outcome.value.devices} now={desk.clock.now()} />
      ) : (
        <Problem problem={outcome} />
      )}
    </section>
  );
}

const DeviceTable = (props: { jid: string; devices: readonly DeviceView[]; now: number }) => {
  if (props.devices.length === 0) return <Empty>No device is known.</Empty>;
  return (
    <Table
      caption="Devices"
      isWide
      heads={['Device', 'Logs in by', 'Last from', 'First seen', 'Last seen', '']}
      rows={props.devices.map((device) => [
        <>
          <span class="wrap">{nameOf(device)}</span>
          <span class="second wrap">
            {[device.software, device.resource].filter(Boolean).join(', ')}
          </span>
        </>,
        <>
          {device.access === 'none' ? <Badge tone="quiet">None</Badge> : ACCESS[device.access]}
          <span class="second mono">{device.mechanism}</span>
        </>,
        <span class="mono">{device.address || 'Not kept'}</span>,
        <Ago at={device.firstSeen} now={props.now} />,
        device.online ? (
          <Badge tone="ok">Online</Badge>
        ) : (
          <Ago at={device.lastSeen} now={props.now} />
        ),
        <a class="button small" href={revokePath(props.jid, device.id)} data-dialog>
          Revoke <span class="unseen">the device {nameOf(device)}</span>
        </a>,
      ])}
    />
  );
};

async function confirm(c: Ask, desk: Desk, jid: string, id: string, problem?: OperationFailure) {
  const outcome = await desk.ask(c, 'accounts.devices', { jid }, devicesView);
  if (!outcome.ok) return desk.problem(c, { title: jid, area: 'users' }, outcome);
  const device = outcome.value.devices.find((each) => each.id === id);
  if (device === undefined && problem === undefined) {
    const gone = failure('not-found', `${jid} has no such device any more.`);
    return desk.problem(c, { title: jid, area: 'users' }, gone);
  }
  const title = `Revoke ${device === undefined ? 'the device' : nameOf(device)}?`;
  const knowsPassword = device?.access.startsWith('password') === true;
  return desk.form(
    c,
    { title, area: 'users' },
    <Confirm
      title={title}
      action={userPath(jid, 'revoke')}
      csrf={c.get('session').csrf}
      button="Revoke the device"
      back={userPath(jid)}
      isDangerous
      problem={problem}
    >
      <input type="hidden" name="device" value={id} />
      <p class="wrap">{jid}</p>
      <p>Its tokens become void and its sessions end now.</p>
      {knowsPassword ? (
        <p>
          <strong>It knows the password and can log in again.</strong> Only a new password keeps it
          out.
        </p>
      ) : null}
    </Confirm>,
    problem,
  );
}
