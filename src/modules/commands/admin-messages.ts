/** XEP-0133 §4.23 to §4.28: announcements, the message of the day, the welcome. */
import { type FormField, valuesOf } from '../../stanza/form.ts';
import { type Administering, refuse, textIn } from './administering.ts';
import type { Asker, HostCommand, Stage } from './command.ts';

/** Operations for which there is a node here. */
export const MESSAGE_OPERATIONS: readonly string[] = [
  'motd.set',
  'motd.edit',
  'motd.delete',
  'welcome.set',
  'welcome.edit',
  'welcome.delete',
];

const text = (name: string, label: string, said = ''): FormField => ({
  name,
  type: 'text-multi',
  label,
  isRequired: true,
  values: said === '' ? [] : said.split('\n'),
});

/** Makes them. */
export function messageCommands({
  run,
  asking,
  telling,
  ended,
}: Administering): readonly HostCommand[] {
  const standing = async ({ session, host }: Asker, kind: 'motd' | 'welcome') => {
    const outcome = await run({ session, host }, `${kind}.show`, { host });
    return outcome.ok ? textIn(outcome.value, 'text') : refuse(outcome);
  };
  const saying = (
    name: string,
    title: string,
    field: FormField | ((asker: Asker) => Promise<FormField | Stage>),
    operation: (asker: Asker) => Promise<string> | string,
  ) => {
    const fields = async (asker: Asker) => {
      const found = typeof field === 'function' ? await field(asker) : field;
      return 'kind' in found ? found : [found];
    };
    return asking(name, title, fields, async (form, asker) => {
      const [asked] = name.split('-').slice(1);
      const lines = valuesOf(form, asked ?? 'announcement') ?? [];
      const input = { text: lines.join('\n'), host: asker.host };
      return ended(await run(asker, await operation(asker), input));
    });
  };
  const withText = (kind: 'motd' | 'welcome', label: string) => async (asker: Asker) => {
    const said = await standing(asker, kind);
    return typeof said === 'string' ? text(kind, label, said) : said;
  };
  /** What stands is corrected, and where nothing does, it is set. */
  const editing = (kind: 'motd' | 'welcome') => async (asker: Asker) =>
    (await standing(asker, kind)) === '' ? `${kind}.set` : `${kind}.edit`;
  const deleting = (kind: 'motd' | 'welcome', title: string) =>
    telling(`delete-${kind}`, title, async (asker) =>
      ended(await run(asker, `${kind}.delete`, { host: asker.host })),
    );

  const day = 'Message of the Day';
  const welcome = 'Welcome Message';
  return [
    saying(
      'announce',
      'Send Announcement to Online Users',
      text('announcement', 'Announcement'),
      () => 'announcements.send',
    ),
    saying('set-motd', `Set ${day}`, text('motd', day), () => 'motd.set'),
    saying('edit-motd', `Edit ${day}`, withText('motd', day), editing('motd')),
    deleting('motd', `Delete ${day}`),
    saying('set-welcome', `Set ${welcome}`, withText('welcome', welcome), editing('welcome')),
    deleting('welcome', `Delete ${welcome}`),
  ];
}
