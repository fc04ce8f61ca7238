/** What the other side offers to one who wants to prove himself, and whether it takes our proof. */
import { SASL_NS } from '../../stream/features.ts';
import { DIALBACK_NS } from '../../stream/header.ts';
import {
  childOf,
  childrenOf,
  type Element,
  el,
  nsOf,
  serialise,
  textOf,
} from '../../xml/element.ts';
import {
  DIALBACK_FEATURE_NS,
  type DialbackAnswer,
  dialbackKey,
  readDialback,
  resultQuestion,
} from '../dialback.ts';
import { BIDI_FEATURE_NS } from '../negotiation.ts';
import type { Dialogue, Heard } from './dialogue.ts';
import { hindered, hindrance, type Opened, openStream } from './open.ts';
import type { Examination } from './services.ts';
import { quoted, type Step, stepsOn } from './step.ts';

const ANSWER_MS = 10_000;
/** The other side has to find our server, connect to it and ask it first. */
const DIALBACK_MS = 25_000;
/** Elements that are passed over while an answer is awaited. */
const MAX_OTHERS = 20;

/** What a stream offers. */
interface Offers {
  readonly isExternal: boolean;
  readonly isDialback: boolean;
}

/** Proves our domain as far as it is offered; answers whether stanzas could be sent. */
export async function* authenticate(
  dialogue: Dialogue,
  opened: Opened,
  where: string,
  examination: Examination,
): AsyncGenerator<Step, boolean> {
  const { local, remote, services } = examination;
  const offers = yield* showFeatures(opened, where);
  if (!offers.isExternal && !offers.isDialback) return false;
  const say = stepsOn('authentication', where);
  if (services.policy.refusal(local, remote) !== undefined) {
    yield say.skipped('It is not tried, since the policy here forbids it.');
    return false;
  }
  if (offers.isExternal) {
    const outcome = yield* byCertificate(dialogue, offers, where, examination);
    if (outcome !== 'refused') return outcome === 'done';
  }
  if (!offers.isDialback) return false;
  return yield* byDialback(dialogue, opened, where, examination);
}

async function* showFeatures(
  { features, knowsDialback }: Opened,
  where: string,
): AsyncGenerator<Step, Offers> {
  const offered = (name: string, ns: string) =>
    features === undefined ? undefined : childOf(features, name, ns);
  const mechanisms = offered('mechanisms', SASL_NS);
  const isExternal =
    mechanisms !== undefined &&
    childrenOf(mechanisms).some((each) => textOf(each).trim() === 'EXTERNAL');
  const isDialback = knowsDialback || offered('dialback', DIALBACK_FEATURE_NS) !== undefined;
  const names = [
    ...(isExternal ? ['SASL EXTERNAL (by certificate)'] : []),
    ...(isDialback ? ['dialback'] : []),
    ...(offered('bidi', BIDI_FEATURE_NS) === undefined ? [] : ['streams in both directions']),
  ];
  const say = stepsOn('features', where);
  yield isExternal || isDialback
    ? say.ok(`It offers ${names.join(', ')}.`)
    : say.error(
        'no-authentication',
        'It offers neither SASL EXTERNAL nor dialback, so that nothing can be proved to it.',
      );
  return { isExternal, isDialback };
}

/** XEP-0178 §3: by our certificate. */
async function* byCertificate(
  dialogue: Dialogue,
  offers: Offers,
  where: string,
  examination: Examination,
): AsyncGenerator<Step, 'done' | 'refused' | 'failed'> {
  const { local } = examination;
  const say = stepsOn('authentication', where);
  const authzid = Buffer.from(local).toString('base64');
  dialogue.send(serialise(el('auth', { xmlns: SASL_NS, mechanism: 'EXTERNAL' }, authzid)));
  let heard = await dialogue.next(ANSWER_MS);
  if (saslOf(heard)?.name === 'challenge') {
    dialogue.send(serialise(el('response', { xmlns: SASL_NS }, '=')));
    heard = await dialogue.next(ANSWER_MS);
  }
  const answer = saslOf(heard);
  if (answer?.name === 'success') {
    yield say.ok(`By certificate: it takes ours for ${local} (SASL EXTERNAL).`);
    return (yield* openStream(dialogue, where, examination)) === undefined ? 'failed' : 'done';
  }
  if (answer?.name !== 'failure') {
    yield hindered(say, heard, 'it does not answer to SASL EXTERNAL');
    return 'failed';
  }
  const text = `By certificate: it does not take ours for ${local}${wordsOf(answer)}.`;
  yield offers.isDialback
    ? say.warning('external-refused', text)
    : say.error('external-refused', text);
  return 'refused';
}

const saslOf = (heard: Heard): Element | undefined =>
  heard.kind === 'element' && nsOf(heard.element) === SASL_NS ? heard.element : undefined;

/** The condition of a SASL failure and its sentence, in brackets. */
function wordsOf(failure: Element): string {
  const parts = childrenOf(failure);
  const condition = parts.find(({ name }) => name !== 'text')?.name;
  const sentence = parts.find(({ name }) => name === 'text');
  const words = [condition, sentence === undefined ? undefined : textOf(sentence)];
  const said = quoted(words.filter((each) => each !== undefined).join(': '));
  return said === '' ? '' : ` (it says “${said}”)`;
}

/** XEP-0220 §2.1.1: by a key about which it asks our server. */
async function* byDialback(
  dialogue: Dialogue,
  { streamId }: Opened,
  where: string,
  { local, remote, services: { secret } }: Examination,
): AsyncGenerator<Step, boolean> {
  const say = stepsOn('authentication', where);
  const key = dialbackKey(secret, { receiving: remote, originating: local, streamId });
  dialogue.send(resultQuestion({ from: local, to: remote }, key));
  for (let others = 0; others < MAX_OTHERS; others += 1) {
    const heard = await dialogue.next(DIALBACK_MS);
    if (heard.kind === 'element' && nsOf(heard.element) === DIALBACK_NS) {
      const packet = readDialback(heard.element);
      const isOurs = packet?.kind === 'result' && packet.from === remote && packet.to === local;
      if (!isOurs || packet.answer === undefined) continue;
      if (packet.answer.type === 'valid') {
        yield say.ok(`By dialback: it asked our server and lets ${local} send.`);
        return true;
      }
      yield say.error('dialback-refused', refusalText(packet.answer, local));
      return false;
    }
    if (heard.kind === 'element' && nsOf(heard.element) === '') continue;
    if (heard.kind === 'silence') {
      const text = `By dialback: no answer. It may still be looking for the server of ${local}.`;
      yield say.error('dialback-refused', text);
      return false;
    }
    const [cause, text] = hindrance(heard, 'it does not answer to dialback');
    if (cause === 'redirected') yield say.warning(cause, text);
    else yield say.error(cause === 'refused' ? cause : 'dialback-refused', text);
    return false;
  }
  yield say.error('dialback-refused', 'By dialback: it sends much, but no answer.');
  return false;
}

function refusalText(answer: Exclude<DialbackAnswer, { type: 'valid' }>, local: string): string {
  if (answer.type === 'invalid')
    return `By dialback: whom it asked about ${local} does not know our key.`;
  const said = quoted([answer.condition, answer.text].filter((each) => each !== '').join(': '));
  return `By dialback: it refuses (it says “${said}”).`;
}
