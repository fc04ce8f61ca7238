/** Carries out what a client asks of a command: XEP-0050 §2.4, §3.4, §4. */
import { type IqRequest, type Reply, reply } from '../../core/iq.ts';
import type { Clock } from '../../kit/clock.ts';
import { randomId } from '../../kit/ids.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { DATA_FORMS, type Form, formElement, readForm } from '../../stanza/form.ts';
import { childOf, type Element, el } from '../../xml/element.ts';
import type { Asker, HostCommand, Stage } from './command.ts';
import { COMMANDS, commandAnswer, commandFailure } from './payloads.ts';
import { type CommandSession, createCommandSessions, MOST_STAGES } from './sessions.ts';

/** What a `<command/>` says. */
export interface CommandValue {
  readonly node: string;
  readonly action?: string | undefined;
  readonly sessionid?: string | undefined;
}

/** What the execution asks. */
export interface ExecutionOptions {
  readonly clock: Clock;
  /** A command that the asker may use; `forbidden` when there is one that he may not. */
  find(asker: Asker, node: string): Promise<HostCommand | 'forbidden' | undefined>;
}

const ACTIONS = ['execute', 'next', 'prev', 'complete', 'cancel'] as const;
type Action = (typeof ACTIONS)[number];

const refuse = (failure: StanzaFailure): Reply => ({ kind: 'refuse', failure });

/** Makes the handler of `<command/>`. */
export function createExecution({ clock, find }: ExecutionOptions) {
  const sessions = createCommandSessions(clock);

  return async (request: IqRequest<CommandValue>): Promise<Reply> => {
    const said = await execute(request);
    if (said.kind === 'result') return said;
    // §3.7: with the command that it answers; some clients know their session by it.
    const { node, sessionid } = request.payload;
    const payload = el('command', { xmlns: COMMANDS, node, sessionid });
    return refuse({ ...said.failure, payload });
  };

  async function execute({ iq, session, host, payload }: IqRequest<CommandValue>): Promise<Reply> {
    if (session === undefined) return reply.refuse('forbidden');
    const { node, sessionid, action: raw = 'execute' } = payload;
    const action = ACTIONS.find((each) => each === raw);
    if (action === undefined) return refuse(commandFailure('malformed-action'));
    const asker = { session, host };
    const command = await find(asker, node);
    if (command === undefined) return reply.refuse('item-not-found');
    // A right that was taken away meanwhile ends what it had begun.
    if (command === 'forbidden') return reply.refuse('forbidden');
    if (sessionid === undefined) return begin(asker, command, action);
    const found = sessions.find(session, sessionid);
    if (found === undefined) return refuse(commandFailure('session-expired'));
    if (found.node !== node) return refuse(commandFailure('bad-sessionid'));
    if (found.isBusy) return reply.refuse('unexpected-request');
    return proceed(asker, found, action, iq.payload);
  }

  async function begin(asker: Asker, command: HostCommand, action: Action): Promise<Reply> {
    if (action !== 'execute') return refuse(commandFailure('bad-action'));
    const stage = await command.begin(asker);
    if (stage.kind === 'refuse') return refuse(stage.failure);
    if (stage.kind === 'end') return ended(stage, command.node, randomId());
    return shown(sessions.begin(asker.session, command.node, stage));
  }

  async function proceed(
    { session: client }: Asker,
    session: CommandSession,
    action: Action,
    element: Element | undefined,
  ): Promise<Reply> {
    const { id: sessionid, node, stages } = session;
    if (action === 'cancel') {
      sessions.end(client, sessionid);
      return reply.result(commandAnswer({ node, sessionid, status: 'canceled' }));
    }
    if (action === 'prev') {
      if (stages.length < 2) return refuse(commandFailure('bad-action'));
      stages.pop();
      return shown(session);
    }
    const present = stages.at(-1);
    if (present === undefined) return refuse(commandFailure('session-expired'));
    if (action !== 'execute' && action !== (present.isLast ? 'complete' : 'next'))
      return refuse(commandFailure('bad-action'));
    const answer = submitted(element);
    if (answer === undefined) return refuse(commandFailure('bad-payload'));
    session.isBusy = true;
    try {
      const stage = await present.next(answer);
      if (stage.kind === 'refuse') return refuse(stage.failure);
      if (stage.kind === 'end') {
        sessions.end(client, sessionid);
        return ended(stage, node, sessionid);
      }
      stages.push(stage);
      if (stages.length > MOST_STAGES) stages.shift();
      return shown(session);
    } finally {
      session.isBusy = false;
    }
  }
}

/** §3.5.1: an answered form, or one that was given up, which is taken for answered. */
function submitted(element: Element | undefined): Form | undefined {
  const x = element && childOf(element, 'x', DATA_FORMS);
  const form = x && readForm(x);
  return form?.type === 'submit' || form?.type === 'cancel' ? form : undefined;
}

function shown({ id: sessionid, node, stages }: CommandSession): Reply {
  const stage = stages.at(-1);
  if (stage === undefined) return refuse(commandFailure('session-expired'));
  return reply.result(
    commandAnswer({
      node,
      sessionid,
      status: 'executing',
      actions: { execute: stage.isLast ? 'complete' : 'next', hasPrevious: stages.length > 1 },
      notes: stage.notes,
      form: formElement({ ...stage.form, type: 'form' }),
    }),
  );
}

function ended(
  { notes, form, url, afterwards }: Extract<Stage, { readonly kind: 'end' }>,
  node: string,
  sessionid: string,
): Reply {
  const answer = commandAnswer({ node, sessionid, status: 'completed', notes, form, url });
  return reply.result(answer, afterwards);
}
