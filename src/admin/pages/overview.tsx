/** The overview: how the server is, at a glance; and what its checks find. */
import type { Hono } from 'hono';
import type { z } from 'zod';
import type { AdminEnv, Ask, Desk } from '../desk.tsx';
import { hostPath } from '../desk.tsx';
import { countText, durationText, plural, sizeText } from '../text.ts';
import { Badge, Note, PageHeading, Problem } from '../ui/parts.tsx';
import { type HostView, hostsView } from '../views/hosts.ts';
import { findingsView, statusView } from '../views/server.ts';
import { lifeOf } from './certificate-life.ts';
import { Findings } from './findings.tsx';

type Status = z.output<typeof statusView>;

const Figure = (props: { name: string; value: string; note: string; href?: string }) => {
  const inside = (
    <>
      <dt>{props.name}</dt>
      <dd class="big">{props.value}</dd>
      <dd class="quiet">{props.note}</dd>
    </>
  );
  return (
    <div class="figure">
      {props.href === undefined ? <div>{inside}</div> : <a href={props.href}>{inside}</a>}
    </div>
  );
};

/** What can be counted. */
const Figures = ({ status, domains }: { status: Status; domains: number }) => (
  <dl class="figures" id="figures" data-refresh="10">
    <Figure
      name="Sessions"
      value={countText(status.sessions)}
      note="clients online now"
      href="/admin/sessions"
    />
    <Figure
      name="Users"
      value={countText(status.accounts)}
      note={`on ${plural(domains, 'domain')}`}
      href="/admin/users"
    />
    <Figure name="Memory" value={sizeText(status.memoryBytes)} note="of this process" />
    <Figure
      name="Database"
      value={sizeText(status.store.bytes)}
      note="on disk"
      href="/admin/server"
    />
  </dl>
);

/** Certificates that need care. */
const Care = ({ hosts, now }: { hosts: readonly HostView[]; now: number }) => {
  const cared = hosts.flatMap(({ domain, certificate }) => {
    const life = lifeOf(certificate ?? undefined, now);
    return life.needsCare ? [{ domain, life }] : [];
  });
  return (
    <>
      {cared.map(({ domain, life }) => (
        <Note tone={life.tone === 'error' ? 'error' : 'warning'}>
          <p>
            <a href={hostPath(domain)}>{domain}</a>: {life.sentence}
          </p>
        </Note>
      ))}
    </>
  );
};

/** The domains with what there is of each. */
const Domains = ({ hosts, now }: { hosts: readonly HostView[]; now: number }) => (
  <section class="card" aria-labelledby="domains">
    <h2 id="domains">Domains</h2>
    <ul class="domains">
      {hosts.map(({ domain, accounts, sessions, certificate }) => {
        const life = lifeOf(certificate ?? undefined, now);
        return (
          <li>
            <a class="wrap" href={hostPath(domain)}>
              {domain}
            </a>
            <span class="quiet">
              {plural(accounts, 'user')}, {plural(sessions, 'session')}
            </span>
            <Badge tone={life.tone}>{life.word}</Badge>
          </li>
        );
      })}
    </ul>
  </section>
);

/** Adds the overview and the page of checks. */
export function addOverviewPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get('/admin', async (c) => {
    // Whoever administers one domain has no business with the machine.
    if ((await desk.roleOf(c)) !== 'operator') return c.redirect('/admin/users', 303);
    return showOverview(c, desk);
  });
  app.get('/admin/check', (c) => showChecks(c, desk));
}

async function showOverview(c: Ask, desk: Desk) {
  const head = { title: 'Overview', area: 'overview' } as const;
  const [status, hosts] = await Promise.all([
    desk.ask(c, 'server.status', {}, statusView),
    desk.ask(c, 'hosts.list', {}, hostsView),
  ]);
  if (!status.ok) return desk.problem(c, head, status);
  const now = desk.clock.now();
  const { value } = status;
  const list = hosts.ok ? hosts.value.hosts : [];
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Overview"
        lead={
          <>
            <Badge tone="ok">Running</Badge> rtcd {value.version} for{' '}
            {durationText(value.uptimeSeconds)}
          </>
        }
      />
      {hosts.ok ? <Care hosts={list} now={now} /> : <Problem problem={hosts} />}
      <Figures status={value} domains={list.length} />
      <div class="columns">
        <section class="card" aria-labelledby="checks">
          <h2 id="checks">Checks</h2>
          <div id="findings" data-load="/admin/check" aria-live="polite">
            <p>
              <a class="button" href="/admin/check">
                Run the checks
              </a>
            </p>
          </div>
        </section>
        <Domains hosts={list} now={now} />
      </div>
    </>,
  );
}

async function showChecks(c: Ask, desk: Desk) {
  const head = { title: 'Checks', area: 'overview' } as const;
  const outcome = await desk.ask(c, 'server.check', {}, findingsView);
  return desk.page(
    c,
    head,
    <>
      <PageHeading title="Checks" lead="Config, certificates, ports and DNS, as they are now.">
        <a class="button" href="/admin/check">
          Check again
        </a>
      </PageHeading>
      <div class="card" id="findings">
        {outcome.ok ? (
          <Findings findings={outcome.value.findings} />
        ) : (
          <Problem problem={outcome} />
        )}
      </div>
    </>,
  );
}
