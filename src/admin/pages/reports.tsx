/** What users reported of whom they blocked. */
import type { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, link, userPath, whole } from '../desk.tsx';
import { Ago, Badge, Confirm, Empty, PageHeading, Pager, Table } from '../ui/parts.tsx';

const PAGE = 50;
const LIST = '/admin/reports';

const reportView = z.object({
  id: z.number(),
  at: z.number(),
  reported: z.string(),
  local: z.boolean(),
  reason: z.string(),
  reporter: z.string(),
  text: z.string(),
});
type ReportView = z.output<typeof reportView>;

/** `reports.list` */
const reportsView = z.object({ reports: z.array(reportView), total: z.number() });

/** Adds these pages. */
export function addReportPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => listReports(c, desk));
  app.get(`${LIST}/:id/dismiss`, (c) => confirm(c, desk, c.req.param('id')));
  app.post(`${LIST}/:id/dismiss`, async (c) => {
    const id = c.req.param('id');
    const outcome = await desk.run(c, 'reports.dismiss', { id: whole(id, 0) });
    if (!outcome.ok) return confirm(c, desk, id, outcome);
    return desk.done(c, LIST, `Report ${id} is dismissed.`);
  });
}

async function listReports(c: Ask, desk: Desk) {
  const head = { title: 'Reports', area: 'reports' } as const;
  const offset = whole(c.req.query('offset'), 0);
  const outcome = await desk.ask(c, 'reports.list', { offset, limit: PAGE }, reportsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { reports, total } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Reports"
        lead="What users said of those whom they blocked: spam, abuse, or something else."
      />
      {reports.length === 0 ? (
        <Empty>Nobody was reported.</Empty>
      ) : (
        <Table
          caption="Reports, newest first"
          isWide
          heads={['Reported', 'Reason', 'By', 'When', '']}
          rows={reports.map((each) => rowOf(each, desk.clock.now()))}
        />
      )}
      <Pager
        offset={offset}
        limit={PAGE}
        total={total}
        at={(from) => link(LIST, { offset: from })}
      />
    </>,
  );
}

function rowOf(report: ReportView, now: number): readonly Child[] {
  const { id, at, reported, local, reason, reporter, text } = report;
  const [account = reported] = reported.split('/');
  return [
    local ? (
      <a class="wrap" href={userPath(account)}>
        {reported}
      </a>
    ) : (
      <span class="wrap">{reported}</span>
    ),
    <>
      <Badge tone={reason === 'abuse' ? 'error' : 'warning'}>{reason}</Badge>
      {text === '' ? null : <span class="second wrap">{text}</span>}
    </>,
    <a class="wrap" href={userPath(reporter)}>
      {reporter}
    </a>,
    <Ago at={at} now={now} />,
    <div class="actions">
      {local ? (
        <a class="button small danger" href={userPath(account, 'lock')} data-dialog>
          Lock <span class="unseen">{account}</span>
        </a>
      ) : null}
      <a class="button small" href={`${LIST}/${id}/dismiss`} data-dialog>
        Dismiss <span class="unseen">{`the report on ${reported}`}</span>
      </a>
    </div>,
  ];
}

function confirm(c: Ask, desk: Desk, id: string, problem?: OperationFailure) {
  const title = 'Dismiss this report?';
  return desk.form(
    c,
    { title, area: 'reports' },
    <Confirm
      title={title}
      action={`${LIST}/${encodeURIComponent(id)}/dismiss`}
      csrf={c.get('session').csrf}
      button="Dismiss it"
      back={LIST}
      problem={problem}
    >
      <p>It leaves the list. What the user blocked stays blocked.</p>
    </Confirm>,
    problem,
  );
}
