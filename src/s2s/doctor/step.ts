/** What the federation doctor tells, one step after the other. */
import type { TrustProblemKind } from '../trust.ts';

/** How a step is to be taken; `skipped` was not tried, and its text says why. */
export type Verdict = 'ok' | 'warning' | 'error' | 'skipped';

/** What is looked at, in the order of looking. */
export type StepName =
  | 'policy'
  | 'dns'
  | 'dane'
  | 'tcp'
  | 'stream'
  | 'tls'
  | 'certificate'
  | 'features'
  | 'authentication'
  | 'ping'
  | 'summary';

/** What is wrong. */
export type Cause =
  | TrustProblemKind
  /** Our own policy. */
  | 'blocked'
  | 'no-such-domain'
  /** No SRV record, and the domain itself does not help. */
  | 'no-srv'
  | 'service-declined'
  | 'bad-records'
  /** An SRV record names a host without an address. */
  | 'srv-to-nowhere'
  | 'dns-timeout'
  | 'dns-failure'
  | 'closed-port'
  | 'unreachable'
  | 'timeout'
  | 'not-xmpp'
  /** It ended the stream without a word, or broke the connection. */
  | 'broken-off'
  /** It ended the stream with an error. */
  | 'refused'
  /** It sends us on to another host. */
  | 'redirected'
  | 'no-tls'
  | 'tls-failed'
  | 'no-authentication'
  | 'external-refused'
  | 'dialback-refused'
  | 'no-answer'
  /** The examination took too long. */
  | 'too-long';

/** One step. */
export interface Step {
  readonly step: StepName;
  /** A name, a server and its port, a domain. */
  readonly subject: string;
  readonly verdict: Verdict;
  /** What was found, as a sentence. */
  readonly text: string;
  /** More, in lines; in the summary a text to send to the other admin, if he can mend it. */
  readonly detail?: string;
  /** What is wrong; absent where nothing is. */
  readonly cause?: Cause;
}

/** A stranger's words on one line, without control characters, and not too many. */
export function quoted(words: string, max = 200): string {
  const line = words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > max ? `${line.slice(0, max)}…` : line;
}

/** Words of ours as a sentence; a host name at its beginning stays as it is. */
export function sentence(words: string): string {
  const isName = /^\S*\.\S/.test(words);
  return `${isName ? words : words.charAt(0).toUpperCase() + words.slice(1)}.`;
}

/** Makes the steps of one kind on one subject. */
export function stepsOn(step: StepName, subject: string) {
  const make = (verdict: Verdict) => (text: string, detail?: string) => ({
    step,
    subject,
    verdict,
    text,
    ...(detail === undefined || detail === '' ? {} : { detail }),
  });
  return {
    ok: make('ok'),
    skipped: make('skipped'),
    warning: (cause: Cause, text: string, detail?: string): Step => ({
      ...make('warning')(text, detail),
      cause,
    }),
    error: (cause: Cause, text: string, detail?: string): Step => ({
      ...make('error')(text, detail),
      cause,
    }),
  };
}

/** Passes steps on and tells each of them to somebody before. */
export async function* passing<R>(
  from: AsyncGenerator<Step, R>,
  tell: (step: Step) => void,
): AsyncGenerator<Step, R> {
  for (;;) {
    const { done, value } = await from.next();
    if (done === true) return value;
    tell(value);
    yield value;
  }
}
