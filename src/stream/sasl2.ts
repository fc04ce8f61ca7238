/**
 * SASL2 (XEP-0388): a login with all that is asked for besides in one step, without a new stream; and
 * the tasks that may stand before it is done (§2.6.3), of which we set those of XEP-0480.
 */

import { type BareJid, makeBare } from '../jid/jid.ts';
import { readBase64, type SaslCondition, type SaslStep } from '../sasl/index.ts';
import { childOf, type Element, el, textOf } from '../xml/element.ts';
import { inSession } from './binding.ts';
import { boundFeatures, laterFeatures, SASL_NS } from './features.ts';
import { readLoginRequest, SASL2_NS } from './login-request.ts';
import {
  type Admission,
  end,
  failLogin,
  type LoginState,
  type Negotiation,
  type NegotiationAction,
  type NegotiationContext,
  type Step,
  send,
} from './negotiation-state.ts';

const SCRAM_UPGRADE_NS = 'urn:xmpp:scram-upgrade:0'; // XEP-0480 §3

/** Takes an element while nothing runs, that is of SASL2's namespace. */
export function onSasl2(state: Negotiation, element: Element, context: NegotiationContext): Step {
  switch (element.name) {
    case 'authenticate':
      return beginLogin(state, element, context);
    case 'abort':
      return fail(state, 'aborted', undefined, context);
    default:
      return fail(state, 'malformed-request', undefined, context);
  }
}

/** Takes an element while a login runs: there may be no other ones (§2.4). */
export function duringSasl2(
  state: Negotiation,
  login: LoginState,
  element: Element,
  ns: string,
  context: NegotiationContext,
): Step {
  const isOf = (name: string) => ns === SASL2_NS && element.name === name;
  if (isOf('abort')) return fail(state, 'aborted', undefined, context); // §4.5
  if (isOf('response') && state.phase === 'sasl') {
    const data = readBase64(textOf(element));
    if (data === undefined) return fail(state, 'incorrect-encoding', undefined, context);
    return [state, [{ do: 'continue-sasl', data }]];
  }
  if (isOf('next') && state.phase === 'tasks') return beginTask(state, login, element, context);
  if (isOf('task-data') && state.phase === 'task') return onTaskData(state, element, context);
  return end(state, 'not-authorized', 'Logging in is not done yet.');
}

/** §2.3 */
function beginLogin(state: Negotiation, element: Element, context: NegotiationContext): Step {
  // §4.8: a second authentication after a task was set ends the stream.
  if (state.wasContinued) return end(state, 'not-authorized', 'One login was begun already.');
  if (!state.isSecure) return fail(state, 'encryption-required', 'Use TLS first.', context);
  const read = readLoginRequest(element);
  if (!read.ok) return fail(state, read.condition, read.text, context);
  const request = read.value;
  const { mechanism, data, fast } = request;
  const { mechanisms = [], tokenMechanisms = [] } = state.offer?.sasl2 ?? {};
  if (fast === undefined && tokenMechanisms.includes(mechanism)) {
    // XEP-0484 §3.4
    return fail(state, 'malformed-request', 'A token comes with <fast/>.', context);
  }
  const offered = fast === undefined ? mechanisms : tokenMechanisms;
  if (!offered.includes(mechanism)) {
    const text = `Offered here: ${offered.join(' ')}`;
    return fail(state, 'invalid-mechanism', text, context);
  }
  if (fast !== undefined && request.agent?.uuid === undefined) {
    // XEP-0484 §4.1
    return fail(state, 'malformed-request', 'A token is of a user agent with an id.', context);
  }
  const login: LoginState = { request, account: undefined, additional: undefined, tasks: [] };
  return [
    { ...state, phase: 'sasl', mechanism, login },
    [{ do: 'begin-sasl', mechanism, data, offered: mechanisms, request }],
  ];
}

/** Takes what the mechanism answers. */
export function onSasl2Step(
  state: Negotiation,
  login: LoginState,
  step: SaslStep,
  tasks: readonly string[],
  context: NegotiationContext,
): Step {
  switch (step.kind) {
    case 'challenge':
      return [state, [send(el('challenge', { xmlns: SASL2_NS }, encode(step.data)))]];
    case 'failure':
      return fail(state, step.condition, step.text, context);
    case 'success': {
      const account = state.host === undefined ? undefined : makeBare(step.username, state.host);
      if (account?.ok !== true) return fail(state, 'not-authorized', undefined, context);
      if (!isAsClaimed(state, step.authzid, account.value))
        return fail(state, 'invalid-authzid', undefined, context);
      const shown = { ...login, account: account.value, additional: step.data, tasks };
      return proceed(state, shown);
    }
  }
}

/** §2.3, §4.4: whoever asks to act as somebody must be the one whom the stream's header names. */
function isAsClaimed(
  { claimed }: Negotiation,
  authzid: string | undefined,
  account: BareJid,
): boolean {
  return authzid === undefined || authzid === '' || claimed === undefined || claimed === account;
}

/** Sets the next task, or, when there is none, has done what else was asked for. */
function proceed(state: Negotiation, login: LoginState): Step {
  const [task] = login.tasks;
  if (task === undefined) {
    const mechanism = state.mechanism ?? '';
    return [
      { ...state, phase: 'admitted', account: login.account, login },
      [
        { do: 'note-login', mechanism, outcome: 'success' },
        { do: 'admit', request: login.request },
      ],
    ];
  }
  const continued = el(
    'continue',
    { xmlns: SASL2_NS },
    additionalData(login.additional),
    el('tasks', undefined, el('task', undefined, task)),
  );
  const waiting = { ...login, additional: undefined };
  return [{ ...state, phase: 'tasks', login: waiting, wasContinued: true }, [send(continued)]];
}

/** §2.6.3: the client begins the task that was set. */
function beginTask(
  state: Negotiation,
  { tasks }: LoginState,
  element: Element,
  context: NegotiationContext,
): Step {
  const task = element.attrs['task'];
  if (task === undefined || task !== tasks[0])
    return fail(state, 'malformed-request', `The task is ${tasks[0]}.`, context);
  return [{ ...state, phase: 'task' }, [{ do: 'begin-upgrade', task }]];
}

/** XEP-0480 §3: what the SaltedPassword is to be made with. */
export function onUpgradeBegun(state: Negotiation, salt: Buffer, iterations: number): Step {
  const salted = el('salt', { xmlns: SCRAM_UPGRADE_NS, iterations }, encode(salt));
  return [state, [send(el('task-data', { xmlns: SASL2_NS }, salted))]];
}

function onTaskData(state: Negotiation, element: Element, context: NegotiationContext): Step {
  const hash = childOf(element, 'hash', SCRAM_UPGRADE_NS);
  if (hash === undefined) return fail(state, 'malformed-request', 'A <hash/> is due.', context);
  const salted = readBase64(textOf(hash));
  if (salted === undefined) return fail(state, 'incorrect-encoding', undefined, context);
  return [state, [{ do: 'upgrade', salted }]];
}

/** A task is done. */
export function onUpgraded(state: Negotiation, login: LoginState): Step {
  return proceed(state, { ...login, tasks: login.tasks.slice(1) });
}

/** §2.6.1: success with all that came of the login, then the features of the stream as it is now. */
export function onAdmitted(
  state: Negotiation,
  login: LoginState,
  admission: Admission,
  context: NegotiationContext,
): Step {
  if (admission.kind === 'refused') return fail(state, admission.condition, undefined, context);
  const terms = state.host === undefined ? undefined : context.termsOf(state.host);
  if (terms === undefined) return end(state, 'host-gone', 'This host is no longer served here.');
  const jid = admission.kind === 'authenticated' ? state.account : admission.jid;
  const success = el(
    'success',
    { xmlns: SASL2_NS },
    additionalData(login.additional),
    el('authorization-identifier', undefined, jid),
    ...admission.parts,
  );
  const features = (text: string): NegotiationAction => ({ do: 'send', text });
  if (admission.kind === 'authenticated')
    return [
      { ...state, phase: 'bind', login: undefined },
      [send(success), features(boundFeatures(terms.authenticatedFeatures()))],
    ];
  const bound: Negotiation = { ...inSession(state), login: undefined };
  if (admission.kind === 'resumed') return [bound, [send(success)]]; // XEP-0198 §9.2
  return [bound, [send(success), features(laterFeatures(terms.boundFeatures()))]];
}

/** §2.6.2 */
export function fail(
  state: Negotiation,
  condition: SaslCondition,
  text: string | undefined,
  context: NegotiationContext,
): Step {
  const failure = el(
    'failure',
    { xmlns: SASL2_NS },
    el(condition, { xmlns: SASL_NS }),
    text === undefined ? undefined : el('text', { 'xml:lang': 'en' }, text),
  );
  return failLogin(state, condition, failure, context);
}

const additionalData = (data: Buffer | undefined) =>
  data === undefined ? undefined : el('additional-data', undefined, encode(data));

/** §2.2: an empty value is an empty element. */
const encode = (data: Buffer) => data.toString('base64');
