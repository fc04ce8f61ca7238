/** What a user's apps have registered for push notifications, on his page. */
import type { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, link, userPath } from '../desk.tsx';
import { Ago, Badge, Confirm, Table, type Tone } from '../ui/parts.tsx';
import { type PushView, pushAnswersView, pushesView } from '../views/push.ts';

const STATES: Readonly<Record<PushView['state'], readonly [Tone, string]>> = {
  connected: ['ok', 'Connected'],
  asleep: ['info', 'Asleep'],
  away: ['quiet', 'Away'],
  ended: ['error', 'Ended'],
};

/** The section; nothing where the user has no registration, or the server no push notifications. */
export async function pushSection(c: Ask, desk: Desk, jid: string): Promise<Child> {
  const outcome = await desk.ask(c, 'push.list', { jid }, pushesView);
  if (!outcome.ok || outcome.value.registrations.length === 0) return null;
  return (
    <section aria-labelledby="push">
      <h2 id="push">Push notifications</h2>
      <p class="quiet">
        App servers that wake the user’s devices, and what they said last. One that refused has
        ended; its app registers again when it signs in.
      </p>
      <Table
        caption="Push notifications"
        isWide
        heads={['App server', 'Device', 'Last sent', 'Answer', 'Last taken', '']}
        rows={outcome.value.registrations.map((each) => rowOf(each, desk.clock.now()))}
      />
    </section>
  );
}

function rowOf(registration: PushView, now: number): readonly Child[] {
  const { jid, service, node, device, state, tried, result, succeeded, failures } = registration;
  const [tone, word] = STATES[state];
  const at = (action: string) => link(userPath(jid, `push/${action}`), { service, node });
  return [
    <>
      <span class="wrap">{service}</span>
      <span class="second wrap mono">{node}</span>
    </>,
    <>
      <Badge tone={tone}>{word}</Badge>
      <span class="second wrap">{device}</span>
    </>,
    tried === undefined ? 'never' : <Ago at={tried} now={now} />,
    <>
      <span class="wrap">{result === '' ? 'none' : result}</span>
      {failures > 1 ? <span class="second">{`${failures} failures in a row`}</span> : null}
    </>,
    succeeded === undefined ? 'never' : <Ago at={succeeded} now={now} />,
    <div class="actions">
      {state === 'ended' ? null : (
        <a class="button small" href={at('test')} data-dialog>
          Test <span class="unseen">{`the app server ${service}`}</span>
        </a>
      )}
      <a class="button small" href={at('forget')} data-dialog>
        Forget <span class="unseen">{`the registration at ${service}`}</span>
      </a>
    </div>,
  ];
}

/** What can be done, each behind a page that asks first. */
const ACTIONS = {
  test: {
    title: 'Send a test notification?',
    text: 'The app server is told of one new message. What it answers is shown.',
    button: 'Send it',
    isDangerous: false,
  },
  forget: {
    title: 'Forget this registration?',
    text: 'The device is woken no more, until its app registers again, which most do when they sign in.',
    button: 'Forget it',
    isDangerous: true,
  },
} as const;

/** Adds the pages. */
export function addPushPages(app: Hono<AdminEnv>, desk: Desk): void {
  const path = '/admin/users/:jid/push';
  app.get(`${path}/test`, (c) => confirm(c, desk, 'test', whichOf(c, c.req.query())));
  app.get(`${path}/forget`, (c) => confirm(c, desk, 'forget', whichOf(c, c.req.query())));
  app.post(`${path}/test`, async (c) => {
    const which = whichOf(c, await fieldsOf(c));
    const outcome = await desk.ask(c, 'push.test', which, pushAnswersView);
    if (!outcome.ok) return confirm(c, desk, 'test', which, outcome);
    const [answer] = outcome.value.answers;
    const isTaken = answer?.level === 'ok';
    return desk.done(c, userPath(which.jid), {
      tone: isTaken ? 'done' : 'problem',
      text: isTaken
        ? `${which.service} took the notification.`
        : `${which.service} did not take the notification: ${answer?.answer ?? 'no answer'}.`,
    });
  });
  app.post(`${path}/forget`, async (c) => {
    const which = whichOf(c, await fieldsOf(c));
    const outcome = await desk.run(c, 'push.forget', which);
    if (!outcome.ok) return confirm(c, desk, 'forget', which, outcome);
    return desk.done(c, userPath(which.jid), `The registration at ${which.service} is forgotten.`);
  });
}

interface Which {
  readonly jid: string;
  readonly service: string;
  readonly node: string;
}

function whichOf(c: Ask, said: Readonly<Record<string, string>>): Which {
  const { service = '', node = '' } = said;
  return { jid: c.req.param('jid') ?? '', service, node };
}

function confirm(
  c: Ask,
  desk: Desk,
  name: keyof typeof ACTIONS,
  { jid, service, node }: Which,
  problem?: OperationFailure,
) {
  const { title, text, button, isDangerous } = ACTIONS[name];
  return desk.form(
    c,
    { title, area: 'users' },
    <Confirm
      title={title}
      action={userPath(jid, `push/${name}`)}
      csrf={c.get('session').csrf}
      button={button}
      back={userPath(jid)}
      isDangerous={isDangerous}
      problem={problem}
    >
      <input type="hidden" name="service" value={service} />
      <input type="hidden" name="node" value={node} />
      <p class="wrap">
        {jid}, {service}
      </p>
      <p>{text}</p>
    </Confirm>,
    problem,
  );
}
