/** Opens a stream, and tells what hinders it. */
import { STREAM_NS } from '../../stream/error.ts';
import { headerText, readServerHeader } from '../../stream/header.ts';
import { type Element, nsOf } from '../../xml/element.ts';
import { reportedError } from '../negotiation.ts';
import type { Dialogue, Heard } from './dialogue.ts';
import type { Examination } from './services.ts';
import { type Cause, quoted, type Step, stepsOn } from './step.ts';

const ANSWER_MS = 10_000;

/** A stream that stands. */
export interface Opened {
  readonly streamId: string;
  /** Undefined for software from before XMPP 1.0. */
  readonly features: Element | undefined;
  /** Whether the header declares dialback. */
  readonly knowsDialback: boolean;
}

/** Opens the stream; undefined when that fails. */
export async function* openStream(
  dialogue: Dialogue,
  where: string,
  { local, remote }: Examination,
): AsyncGenerator<Step, Opened | undefined> {
  const say = stepsOn('stream', where);
  dialogue.open(headerText({ id: undefined, from: local, to: remote }, 'jabber:server'));
  const first = await dialogue.next(ANSWER_MS);
  if (first.kind !== 'header') {
    yield hindered(say, first, 'it does not open a stream');
    return undefined;
  }
  const read = readServerHeader(first.header);
  if (!read.ok) {
    yield say.error('not-xmpp', `It is no XMPP server for other servers: ${quoted(read.text)}`);
    return undefined;
  }
  const { id = '', hasFeatures, knowsDialback } = read.value;
  if (!hasFeatures) {
    yield say.ok('It speaks XMPP, but not version 1.0.');
    return { streamId: id, features: undefined, knowsDialback };
  }
  const second = await dialogue.next(ANSWER_MS);
  if (
    second.kind === 'element' &&
    nsOf(second.element) === STREAM_NS &&
    second.element.name === 'features'
  )
    return { streamId: id, features: second.element, knowsDialback };
  yield hindered(say, second, 'it does not say what it offers');
  return undefined;
}

/** The step that tells why something expected did not come; to be sent on is no fault yet. */
export function hindered(say: ReturnType<typeof stepsOn>, heard: Heard, lack: string): Step {
  const [cause, text] = hindrance(heard, lack);
  return cause === 'redirected' ? say.warning(cause, text) : say.error(cause, text);
}

/** Why something expected did not come. */
export function hindrance(heard: Heard, lack: string): [Cause, string] {
  switch (heard.kind) {
    case 'silence':
      return ['timeout', `It takes the connection, but then ${lack}: nothing came in time.`];
    case 'end':
      return heard.how === 'fault'
        ? ['not-xmpp', `What it sends is not XMPP: ${heard.text}`]
        : ['broken-off', `Before ${lack.replace(/^it does not/, 'it could')}, ${heard.text}.`];
    case 'element':
      if (nsOf(heard.element) === STREAM_NS && heard.element.name === 'error') {
        const { text, otherHost } = reportedError(heard.element);
        if (otherHost !== undefined)
          return ['redirected', `It sends us on to ${quoted(otherHost)} (see-other-host).`];
        return ['refused', `It ends the stream with an error: ${quoted(text)}.`];
      }
      return [
        'not-xmpp',
        `It sends <${quoted(heard.element.name, 60)}/> where that means nothing.`,
      ];
    default:
      return ['not-xmpp', `It begins anew where ${lack.replace(/^it does not/, 'it should')}.`];
  }
}
