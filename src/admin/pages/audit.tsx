/** The audit log: what admins did. */
import type { Hono } from 'hono';
import { type AdminEnv, type Desk, link, whole } from '../desk.tsx';
import { Badge, Empty, PageHeading, Table, Time } from '../ui/parts.tsx';
import { auditView } from '../views/server.ts';

const PAGE = 50;
const LIST = '/admin/audit';

const FACES: Readonly<Record<string, string>> = {
  console: 'console',
  rest: 'API',
  socket: 'rtcctl',
  offline: 'rtcctl, server stopped',
  setup: 'one-time link',
  xmpp: 'ad-hoc command',
};

/** An input as `jid: joe@example.com, admin: true`. */
function inputText(json: string): string {
  try {
    const input: unknown = JSON.parse(json);
    if (typeof input !== 'object' || input === null) return json;
    return Object.entries(input)
      .filter(([, value]) => !Array.isArray(value) || value.length > 0)
      .map(
        ([key, value]) =>
          `${key}: ${shorten(typeof value === 'string' ? value : JSON.stringify(value))}`,
      )
      .join(', ');
  } catch {
    return json;
  }
}

const LONGEST = 120;
const shorten = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** Adds this page. */
export function addAuditPage(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, async (c) => {
    const head = { title: 'Audit log', area: 'audit' } as const;
    const before = whole(c.req.query('before'), 0);
    // One more than is shown tells whether there are older ones.
    const input = { limit: PAGE + 1, ...(before === 0 ? {} : { before }) };
    const outcome = await desk.ask(c, 'audit.list', input, auditView);
    if (!outcome.ok) return desk.problem(c, head, outcome);
    const entries = outcome.value.entries.slice(0, PAGE);
    const oldest = entries.at(-1);
    return desk.page(
      c,
      head,
      <>
        <PageHeading
          title="Audit log"
          lead="Each change that was made, and each look at what is private: who, from where, what, when."
        />
        {entries.length === 0 ? (
          <Empty>{before === 0 ? 'Nothing was done yet.' : 'There are no older entries.'}</Empty>
        ) : (
          <Table
            caption="Audit log, newest first"
            isWide
            heads={['When', 'Who', 'What', 'With', 'Outcome']}
            rows={entries.map((entry) => [
              <Time at={entry.at} />,
              <>
                <span class="wrap">{entry.actor}</span>
                <span class="second wrap">
                  {[FACES[entry.via] ?? entry.via, entry.remote].filter(Boolean).join(', ')}
                </span>
              </>,
              <span class="mono">{entry.operation}</span>,
              <span class="wrap">{inputText(entry.input) || 'nothing'}</span>,
              entry.outcome === 'done' ? (
                <Badge tone="ok">Done</Badge>
              ) : (
                <Badge tone="error">{entry.outcome}</Badge>
              ),
            ])}
          />
        )}
        <nav class="pager" aria-label="Pages">
          {before === 0 ? null : (
            <a class="button" href={LIST}>
              Newest
            </a>
          )}
          {outcome.value.entries.length > PAGE && oldest !== undefined ? (
            <a class="button" rel="next" href={link(LIST, { before: oldest.id })}>
              Older
            </a>
          ) : null}
        </nav>
      </>,
    );
  });
}
