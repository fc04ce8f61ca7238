/** What is said to all users of a domain: at once, once to each, or to new ones. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, link } from '../desk.tsx';
import { plural } from '../text.ts';
import { Choice, Field, PageHeading, Problem, Submit, Tick, Time, Token } from '../ui/parts.tsx';

const PAGE = '/admin/announcements';

/** `motd.show` and `welcome.show` */
const standingView = z.object({ text: z.string(), since: z.number().nullable() });

const sentView = z.object({ sent: z.number() });

const KINDS = ['motd', 'welcome'] as const;
type Kind = (typeof KINDS)[number];

const WORDS = {
  motd: {
    title: 'Message of the day',
    lead: 'Each user is sent it once: at once if he is online, else when he comes.',
  },
  welcome: {
    title: 'Welcome',
    lead: 'Who gets an account after it was set is sent it when he first logs in.',
  },
} as const;

/** What did not go well, and what was said. */
interface Trouble {
  readonly of: 'announce' | Kind;
  readonly problem: OperationFailure;
  readonly text: string;
  readonly subject?: string;
}

/** Adds this page. */
export function addAnnouncementPages(app: Hono<AdminEnv>, desk: Desk): void {
  /** The domain that is meant: the one that is named, or that of who looks. */
  const hostIn = (c: Ask, fields: Readonly<Record<string, string | undefined>>) =>
    fields['host'] ?? desk.domains(c)[0] ?? '';
  const pathOf = (host: string) => link(PAGE, { host });
  app.get(PAGE, (c) => show(c, desk, hostIn(c, c.req.query())));
  app.post(PAGE, async (c) => {
    const fields = await fieldsOf(c);
    const host = hostIn(c, fields);
    const { text = '', subject = '' } = fields;
    const outcome = await desk.run(c, 'announcements.send', { host, text, subject });
    if (!outcome.ok)
      return show(c, desk, host, { of: 'announce', problem: outcome, text, subject });
    const { sent } = sentView.parse(outcome.value);
    return desk.done(c, pathOf(host), `Sent to ${plural(sent, 'user')}.`);
  });
  for (const kind of KINDS) {
    app.post(`${PAGE}/${kind}`, async (c) => {
      const fields = await fieldsOf(c);
      const host = hostIn(c, fields);
      const { text = '' } = fields;
      const action = fields['again'] === 'yes' || fields['stands'] !== 'yes' ? 'set' : 'edit';
      const outcome = await desk.run(c, `${kind}.${action}`, { host, text });
      if (!outcome.ok) return show(c, desk, host, { of: kind, problem: outcome, text });
      return desk.done(c, pathOf(host), `${WORDS[kind].title} saved.`);
    });
    app.post(`${PAGE}/${kind}/delete`, async (c) => {
      const host = hostIn(c, await fieldsOf(c));
      const outcome = await desk.run(c, `${kind}.delete`, { host });
      if (!outcome.ok) return show(c, desk, host, { of: kind, problem: outcome, text: '' });
      return desk.done(c, pathOf(host), `${WORDS[kind].title} deleted.`);
    });
  }
}

async function show(c: Ask, desk: Desk, host: string, trouble?: Trouble) {
  const head = { title: 'Announcements', area: 'announcements' } as const;
  const [motd, welcome] = [
    await desk.ask(c, 'motd.show', { host }, standingView),
    await desk.ask(c, 'welcome.show', { host }, standingView),
  ];
  if (!motd.ok) return desk.problem(c, head, motd);
  if (!welcome.ok) return desk.problem(c, head, welcome);
  const { csrf } = c.get('session');
  const domains = desk.domains(c);
  const about = (of: Trouble['of']) => (trouble?.of === of ? trouble : undefined);
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Announcements"
        lead={`What ${host} says to all of its users. Messages come in its name.`}
      />
      {domains.length < 2 ? null : (
        <form class="card" method="get" action={PAGE}>
          <Choice
            name="host"
            label="Domain"
            value={host}
            options={domains.map((domain) => [domain, domain] as const)}
          />
          <div class="actions">
            <button class="button" type="submit">
              Show
            </button>
          </div>
        </form>
      )}
      <section class="card" aria-labelledby="announce">
        <h2 id="announce">To all who are online</h2>
        <form method="post" action={PAGE}>
          <Problem problem={about('announce')?.problem} />
          <Token csrf={csrf} />
          <input type="hidden" name="host" value={host} />
          <Field
            name="subject"
            label="Subject"
            hint="It may be left out."
            value={about('announce')?.subject}
          />
          <Field
            name="text"
            id="announcement"
            label="Announcement"
            rows={4}
            required
            value={about('announce')?.text}
          />
          <Submit>Send now</Submit>
        </form>
      </section>
      <Standing host={host} kind="motd" csrf={csrf} {...motd.value} trouble={about('motd')} />
      <Standing
        host={host}
        kind="welcome"
        csrf={csrf}
        {...welcome.value}
        trouble={about('welcome')}
      />
    </>,
    trouble === undefined ? 200 : 422,
  );
}

/** A message that stands, to be set, corrected and deleted. */
const Standing = (props: {
  host: string;
  kind: Kind;
  csrf: string;
  text: string;
  since: number | null;
  trouble: Trouble | undefined;
}) => {
  const { host, kind, csrf, text, since, trouble } = props;
  const { title, lead } = WORDS[kind];
  return (
    <section class="card" aria-labelledby={kind}>
      <h2 id={kind}>{title}</h2>
      <p class="hint">
        {lead}{' '}
        {since === null ? null : (
          <>
            Set <Time at={since} />.
          </>
        )}
      </p>
      <form method="post" action={`${PAGE}/${kind}`}>
        <Problem problem={trouble?.problem} />
        <Token csrf={csrf} />
        <input type="hidden" name="host" value={host} />
        {since === null ? null : <input type="hidden" name="stands" value="yes" />}
        <Field
          name="text"
          id={`${kind}-text`}
          label="Text"
          rows={4}
          required
          value={trouble?.text ?? text}
        />
        {kind === 'motd' && since !== null ? (
          <Tick name="again" label="Send it also to those who had the one before" />
        ) : null}
        <Submit>Save</Submit>
      </form>
      {since === null ? null : (
        <form method="post" action={`${PAGE}/${kind}/delete`}>
          <Token csrf={csrf} />
          <input type="hidden" name="host" value={host} />
          <Submit isDangerous>Delete</Submit>
        </form>
      )}
    </section>
  );
};
