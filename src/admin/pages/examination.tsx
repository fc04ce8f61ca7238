/** The federation doctor: a form, and the steps of an examination, live or as a whole. */
import type { Hono } from 'hono';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, filled } from '../desk.tsx';
import {
  Badge,
  Choice,
  Copyable,
  Field,
  Note,
  PageHeading,
  Problem,
  type Tone,
} from '../ui/parts.tsx';
import { type ExaminedStep, stepView } from '../views/federation.ts';

const EXAMINATION = '/admin/federation/test';

type Verdict = ExaminedStep['verdict'];

const VERDICTS: Readonly<Record<Verdict, readonly [Tone, string]>> = {
  ok: ['ok', 'Fine'],
  warning: ['warning', 'Warning'],
  error: ['error', 'Error'],
  skipped: ['quiet', 'Not tried'],
};

const STEPS: Readonly<Record<string, string>> = {
  policy: 'Policy',
  dns: 'DNS',
  dane: 'DNS (DANE)',
  tcp: 'Connection',
  stream: 'Stream',
  tls: 'Encryption',
  certificate: 'Certificate',
  features: 'What it offers',
  authentication: 'Proof of who we are',
  ping: 'Ping',
};

const OUTCOMES: Readonly<Record<Verdict, Tone>> = {
  ok: 'ok',
  warning: 'warning',
  error: 'error',
  skipped: 'info',
};

/** The form by which an examination is asked for. */
const ExaminationForm = (props: {
  domain: string;
  host: string;
  domains: readonly string[];
  problem?: OperationFailure | undefined;
}) => (
  <form class="card form" method="get" action={EXAMINATION} data-examine>
    <h2 id="examine">Examine a domain</h2>
    <Field
      name="domain"
      id="examine-domain"
      label="Other domain"
      value={props.domain}
      hint="Such as example.org. Its DNS, connection, encryption, certificate and proof are looked at."
      fault={props.problem?.fields?.['domain']}
      required
    />
    {props.domains.length < 2 ? null : (
      <Choice
        name="host"
        id="examine-host"
        label="For our domain"
        value={props.host}
        options={props.domains.map((each) => [each, each] as const)}
      />
    )}
    <div class="actions">
      <button class="button primary" type="submit">
        Examine
      </button>
      <button class="button" type="button" data-examine-stop hidden>
        Stop
      </button>
    </div>
  </form>
);

const StepItem = ({ step }: { step: ExaminedStep }) => {
  const [tone, word] = VERDICTS[step.verdict];
  return (
    <li>
      <div class="subject">
        <Badge tone={tone}>{word}</Badge>
        <strong class="wrap" data-part="subject">
          {step.subject}
        </strong>
        <span class="quiet" data-part="step">
          {STEPS[step.step] ?? step.step}
        </span>
      </div>
      <p data-part="text">{step.text}</p>
      {step.detail === undefined ? null : (
        <pre class="detail" data-part="detail">
          {step.detail}
        </pre>
      )}
    </li>
  );
};

const Outcome = ({ step }: { step: ExaminedStep }) => (
  <Note tone={OUTCOMES[step.verdict]} role="status">
    <p data-part="text">{step.text}</p>
    {step.detail === undefined ? null : (
      <Copyable label="To send to the other admin" text={step.detail} isProse />
    )}
  </Note>
);

/** Where live steps appear; the script copies the templates. */
const LiveView = () => (
  <section class="card" aria-labelledby="steps" data-examine-view hidden>
    <div class="card-head">
      <h2 id="steps">Examination</h2>
      <p class="quiet" role="status" data-examine-state />
    </div>
    <div data-examine-outcome />
    <ol class="findings" data-examine-list data-words={JSON.stringify(STEPS)} />
    {(['ok', 'warning', 'error', 'skipped'] as const).map((verdict) => (
      <>
        <template data-step={verdict}>
          <StepItem step={{ ...BLANK, verdict }} />
        </template>
        <template data-outcome={verdict}>
          <Outcome step={{ ...BLANK, verdict }} />
        </template>
      </>
    ))}
  </section>
);

const BLANK = { step: '', subject: '', text: '', detail: '' } as const;

/** The form with the place for live steps. */
export const Examine = (props: { domain: string; host: string; domains: readonly string[] }) => (
  <>
    <ExaminationForm {...props} />
    <LiveView />
  </>
);

/** Adds the page with the whole result, for browsers without scripts and for links. */
export function addExaminationPage(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(EXAMINATION, (c) => showExamination(c, desk));
}

async function showExamination(c: Ask, desk: Desk) {
  const { domain = '', host = '' } = c.req.query();
  const outcome = await desk.collect(c, 's2s.test', filled({ domain, host }), stepView);
  const problem = outcome.ok ? undefined : outcome;
  const steps = outcome.ok ? outcome.value : [];
  const summary = steps.find(({ step }) => step === 'summary');
  return desk.form(
    c,
    { title: 'Examination', area: 'federation' },
    <>
      <PageHeading title="Examination" lead={domain === '' ? undefined : domain}>
        <a class="button" href="/admin/federation">
          Federation
        </a>
      </PageHeading>
      <Problem problem={problem} />
      {summary === undefined ? null : <Outcome step={summary} />}
      {steps.length === 0 ? null : (
        <section class="card" aria-labelledby="steps">
          <h2 id="steps">Steps</h2>
          <ol class="findings">
            {steps
              .filter(({ step }) => step !== 'summary')
              .map((step) => (
                <StepItem step={step} />
              ))}
          </ol>
        </section>
      )}
      <ExaminationForm domain={domain} host={host} domains={desk.domains(c)} problem={problem} />
    </>,
    problem,
  );
}
