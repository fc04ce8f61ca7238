/** The end of an examination: what it came to, in one sentence, and what to write to the other admin. */
import { adviceOn } from './advice.ts';
import type { Examination } from './services.ts';
import { type Cause, type Step, type StepName, stepsOn } from './step.ts';
import type { Visit } from './visit.ts';

/** What was found. */
export interface Findings {
  /** All steps, in their order. */
  readonly steps: readonly Step[];
  readonly visits: readonly Visit[];
  /** Whether there were no SRV records, so that the domain itself was tried. */
  readonly isFallback: boolean;
  readonly isTooLong: boolean;
}

type Faulty = Step & { readonly cause: Cause };

/** Makes the last step. */
export function summaryOf(findings: Findings, examination: Examination): Step {
  const { local, remote, services } = examination;
  const { steps, visits } = findings;
  const say = stepsOn('summary', remote);
  const conclude = (fault: Faulty, words: string) => {
    const { here, there } = adviceOn(fault.cause, { local, remote });
    const text = here === undefined ? words : `${words} ${here}`;
    const now = services.clock.now();
    const written = there === undefined ? '' : letter(fault, there, steps, examination, now);
    const { cause } = fault;
    return fault.verdict === 'error'
      ? say.error(cause, text, written)
      : say.warning(cause, text, written);
  };
  const through = visits.find(({ isThrough }) => isThrough);
  const unanswered = steps.filter(isFaulty).find(({ step }) => step === 'ping');
  const decisive =
    steps.filter(isFaulty).find(({ cause }) => cause === 'blocked') ??
    (through === undefined ? decisiveOf(findings, remote) : unanswered);
  if (decisive !== undefined)
    return conclude(decisive, `${local} cannot talk with ${remote}. ${decisive.text}`);
  // Who was sent on and is through was well served.
  const others = steps.filter(isFaulty).find(({ cause }) => cause !== 'redirected');
  const flaw = through?.steps.find(isFaulty) ?? others;
  if (flaw === undefined) return say.ok(`${local} and ${remote} can talk.`);
  const where = through?.steps.includes(flaw) === true ? '' : ` (${flaw.subject})`;
  const words = `${local} can talk with ${remote}, but not everything is right. ${flaw.text}${where}`;
  return conclude({ ...flaw, verdict: 'warning' }, words);
}

const isFaulty = (step: Step): step is Faulty => step.cause !== undefined;
const isError = (step: Step): step is Faulty => isFaulty(step) && step.verdict === 'error';

const ORDER: readonly StepName[] = [
  'tcp',
  'stream',
  'tls',
  'certificate',
  'features',
  'authentication',
];

/** Why nothing leads to the goal: the fault of the visit that came farthest. */
function decisiveOf({ steps, visits, isFallback, isTooLong }: Findings, remote: string): Faulty {
  const rank = ({ steps: own }: Visit) => Math.max(...own.map(({ step }) => ORDER.indexOf(step)));
  const failed = visits.filter(({ steps: own }) => own.some(isError));
  const farthest = failed.toSorted((a, b) => rank(b) - rank(a))[0];
  const fault = farthest?.steps.find(isError);
  if (isTooLong && fault === undefined)
    return stepOf('too-long', remote, 'The examination took too long and was ended.');
  if (fault !== undefined && fault.step === 'tcp' && isFallback) {
    const text = `${remote} has no SRV record that names its server, and at ${fault.subject}: ${fault.text}`;
    return stepOf('no-srv', remote, text);
  }
  if (fault !== undefined) return { ...fault, text: `${fault.subject}: ${fault.text}` };
  const inDns = steps.findLast(isError);
  return inDns ?? stepOf('no-such-domain', remote, `No server of ${remote} was found.`);
}

const stepOf = (cause: Cause, subject: string, text: string): Faulty => ({
  step: 'summary',
  subject,
  verdict: 'error',
  text,
  cause,
});

const MAX_LINES = 12;

/** A text for the other admin, with all that he needs to look for it. */
function letter(
  fault: Faulty,
  advice: string,
  steps: readonly Step[],
  { local, remote }: Examination,
  now: number,
): string {
  const seen = steps
    .filter(isFaulty)
    .slice(0, MAX_LINES)
    .map(({ subject, text }) => (text.startsWith(subject) ? `- ${text}` : `- ${subject}: ${text}`));
  const isDown = fault.verdict === 'error';
  return [
    'Hello,',
    '',
    isDown
      ? `our XMPP server for ${local} cannot talk with ${remote}.`
      : `our XMPP server for ${local} reaches ${remote}, but something there is not right.`,
    `This is what it found on ${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC:`,
    '',
    ...(seen.length > 0 ? seen : [`- ${fault.text}`]),
    '',
    advice,
    '',
    `With kind regards, the admin of ${local}`,
  ].join('\n');
}
