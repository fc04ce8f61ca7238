/** What users do with their own account: its password, its devices, its data, its end. */
import type { Reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import { type FormField, firstValueOf, valuesOf } from '../../stanza/form.ts';
import { writeDateTime } from '../../xml/date-time.ts';
import type { PortableApi } from '../portable/index.ts';
import type { RegisterApi } from '../register/index.ts';
import type { Asker, CommandSource, HostCommand, Stage } from './command.ts';
import { commandFailure } from './payloads.ts';

/** What the commands work with. */
export interface SelfServiceOptions {
  readonly home: Pick<Home<unknown>, 'devices' | 'sessions'>;
  readonly register: RegisterApi;
  readonly portable: PortableApi;
  /** Whether the module that changes passwords and removes accounts is on. */
  isRegisterOn(asker: Asker): boolean;
  /** The same of the one that gives users their data. */
  isPortableOn(asker: Asker): boolean;
}

/** The nodes of these commands begin with it. */
const NODE = 'urn:rtcd:account:';
const REVOKED = 'The device was revoked.';

const secret = (name: string, label: string): FormField => ({
  name,
  type: 'text-private',
  label,
  isRequired: true,
  values: [],
});
const done = (text: string, afterwards?: () => void): Stage => ({
  kind: 'end',
  notes: [{ type: 'info', text }],
  ...(afterwards === undefined ? {} : { afterwards }),
});
const bad = (text: string): Stage => ({
  kind: 'refuse',
  failure: commandFailure('bad-payload', text),
});

/** What a reply of another handler is as the end of a command. */
const endOf = (said: Reply, text: string): Stage =>
  said.kind === 'refuse'
    ? { kind: 'refuse', failure: said.failure }
    : {
        kind: 'end',
        notes: [{ type: 'info', text }],
        ...(said.afterwards === undefined ? {} : { afterwards: said.afterwards }),
      };

/** Makes the source: for accounts of the host, not for who is signed in without one. */
export function createSelfService(options: SelfServiceOptions): CommandSource {
  const { register, isRegisterOn, isPortableOn } = options;
  const password = passwordCommand(register);
  const devices = devicesCommand(options.home);
  const data = exportCommand(options.portable);
  const removal = removalCommand(register);
  return (asker) => {
    const { session, host } = asker;
    if (session.isAnonymous || session.host !== host) return [];
    const isOn = isRegisterOn(asker);
    const isSecure = session.security.protocol !== undefined;
    return [
      ...(isOn && isSecure && register.mayChangePassword(host) ? [password] : []),
      devices,
      ...(isSecure && isPortableOn(asker) ? [data] : []),
      ...(isOn && isSecure && register.mayRemove(host) ? [removal] : []),
    ];
  };
}

function passwordCommand(register: RegisterApi): HostCommand {
  const name = 'Change my password';
  return {
    node: `${NODE}password`,
    name,
    begin: ({ session }) => ({
      kind: 'form',
      isLast: true,
      form: {
        title: name,
        instructions: ['Your other devices are signed out, and need the new password.'],
        fields: [secret('password', 'New password'), secret('password-verify', 'Once more')],
      },
      async next(form) {
        const chosen = firstValueOf(form, 'password') ?? '';
        if (chosen === '') return bad('A password is needed.');
        if (chosen !== firstValueOf(form, 'password-verify')) return bad('The two differ.');
        return endOf(await register.changePassword(session, chosen), 'The password is changed.');
      },
    }),
  };
}

function devicesCommand({ devices, sessions }: SelfServiceOptions['home']): HostCommand {
  const name = 'My devices';
  return {
    node: `${NODE}devices`,
    name,
    async begin({ session }) {
      const { account } = session;
      const known = await devices.list(account);
      if (known.length === 0) return done('No device of yours is remembered.');
      const options = known.map((device) => {
        const called = [device.software, device.name, device.resource].filter(Boolean).join(', ');
        const own = device.id === session.device?.id ? ' (this one)' : '';
        const seen = writeDateTime(device.lastSeen).slice(0, 16).replace('T', ' ');
        return { value: device.id, label: `${called}${own}, ${seen} UTC` };
      });
      return {
        kind: 'form',
        isLast: true,
        form: {
          title: name,
          instructions: [
            'These have access to your account. Chosen ones are signed out; one that knows the password can come back until you change it.',
          ],
          fields: [
            {
              name: 'devices',
              type: 'list-multi',
              label: 'To be signed out for good',
              values: [],
              options,
            },
          ],
        },
        async next(form) {
          const chosen = new Set(valuesOf(form, 'devices') ?? []);
          const meant = known.filter(({ id }) => chosen.has(id));
          if (meant.length < chosen.size) return bad('There is no such device.');
          for (const { id } of meant) await devices.revoke({ account, id });
          const isMeant = (id: string | undefined) => id !== undefined && chosen.has(id);
          const ended = sessions.of(account).filter(({ device }) => isMeant(device?.id));
          return done(
            meant.length === 0 ? 'Nothing was changed.' : `${meant.length} signed out.`,
            () => {
              for (const each of ended) each.end('not-authorized', REVOKED);
            },
          );
        },
      };
    },
  };
}

function exportCommand(portable: PortableApi): HostCommand {
  const name = 'Export my data';
  return {
    node: `${NODE}export`,
    name,
    begin: ({ session }) => ({
      kind: 'form',
      isLast: true,
      form: {
        title: name,
        instructions: [
          'You get a link to all that the server keeps of your account. It works once, for ten minutes; whoever has it has your data.',
        ],
        fields: [],
      },
      next() {
        const url = portable.link(session.account);
        return { kind: 'end', url, notes: [{ type: 'info', text: `Your data: ${url}` }] };
      },
    }),
  };
}

function removalCommand(register: RegisterApi): HostCommand {
  const name = 'Delete my account';
  return {
    node: `${NODE}remove`,
    name,
    begin: ({ session }) => ({
      kind: 'form',
      isLast: true,
      form: {
        title: name,
        instructions: ['Your contacts and messages go with it, for good.'],
        fields: [secret('password', 'Your password')],
      },
      async next(form) {
        const said = firstValueOf(form, 'password') ?? '';
        if (said === '') return bad('The password is needed.');
        return endOf(await register.removeAccount(session, said), 'The account is deleted.');
      },
    }),
  };
}
