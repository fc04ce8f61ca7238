/** SASL as RFC 6120 §6 has it. */
import { makeBare } from '../jid/jid.ts';
import { readBase64, type SaslCondition, type SaslStep } from '../sasl/index.ts';
import { type Element, el, textOf } from '../xml/element.ts';
import { SASL_NS } from './features.ts';
import {
  failLogin,
  type HostTerms,
  type Negotiation,
  type NegotiationContext,
  type Step,
  send,
} from './negotiation-state.ts';

/** Takes an element of SASL's namespace (§6.4). */
export function onSasl(
  state: Negotiation,
  element: Element,
  terms: HostTerms,
  context: NegotiationContext,
): Step {
  switch (element.name) {
    case 'auth':
      return beginSasl(state, element, terms, context);
    case 'response': {
      if (state.phase !== 'sasl') return failSasl(state, 'not-authorized', undefined, context);
      const data = decodeBase64(textOf(element));
      if (data === undefined) return failSasl(state, 'incorrect-encoding', undefined, context);
      return [state, [{ do: 'continue-sasl', data }]];
    }
    case 'abort':
      return failSasl(state, 'aborted', undefined, context); // §6.5.1
    default:
      return failSasl(state, 'malformed-request', undefined, context);
  }
}

function beginSasl(
  state: Negotiation,
  element: Element,
  terms: HostTerms,
  context: NegotiationContext,
): Step {
  const mechanism = element.attrs['mechanism'];
  const offered = state.offer?.mechanisms ?? [];
  if (state.phase === 'sasl') return failSasl(state, 'malformed-request', undefined, context);
  if (!state.isSecure && terms.isTlsRequired)
    return failSasl(state, 'encryption-required', 'Use STARTTLS first.', context); // §6.5.4
  if (mechanism === undefined) return failSasl(state, 'invalid-mechanism', undefined, context);
  if (!offered.includes(mechanism)) {
    const text = `Offered here: ${offered.join(' ')}`;
    return failSasl(state, 'invalid-mechanism', text, context); // §6.5.7
  }
  const data = decodeBase64(textOf(element));
  if (data === undefined) return failSasl(state, 'incorrect-encoding', undefined, context); // §6.5.5
  return [
    { ...state, phase: 'sasl', mechanism },
    [{ do: 'begin-sasl', mechanism, data, offered, request: undefined }],
  ];
}

/** Takes what the mechanism answers. */
export function onSaslStep(state: Negotiation, step: SaslStep, context: NegotiationContext): Step {
  switch (step.kind) {
    case 'challenge':
      return [state, [send(el('challenge', { xmlns: SASL_NS }, encodeBase64(step.data)))]];
    case 'failure':
      return failSasl(state, step.condition, step.text, context);
    case 'success': {
      const account = state.host === undefined ? undefined : makeBare(step.username, state.host);
      if (account?.ok !== true) return failSasl(state, 'not-authorized', undefined, context);
      const { data } = step;
      const success = el(
        'success',
        { xmlns: SASL_NS },
        data === undefined ? undefined : encodeBase64(data),
      );
      const mechanism = state.mechanism ?? '';
      return [
        { ...state, phase: 'header', account: account.value },
        [{ do: 'note-login', mechanism, outcome: 'success' }, send(success), { do: 'restart' }],
      ];
    }
  }
}

/** §6.4.5 */
function failSasl(
  state: Negotiation,
  condition: SaslCondition,
  text: string | undefined,
  context: NegotiationContext,
): Step {
  const sentence = text === undefined ? undefined : el('text', { 'xml:lang': 'en' }, text);
  const failure = el('failure', { xmlns: SASL_NS }, el(condition), sentence);
  return failLogin(state, condition, failure, context);
}

/** SASL data (§6.4.2, §6.4.3); undefined if it is none. "=" is an empty value. */
const decodeBase64 = (text: string) => (text.trim() === '=' ? Buffer.alloc(0) : readBase64(text));

const encodeBase64 = (data: Buffer) => (data.length === 0 ? '=' : data.toString('base64'));
