/** The domains that are served: which, and what each has and needs. */
import type { Hono } from 'hono';
import { failure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, hostPath, link } from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Badge,
  Copyable,
  Empty,
  Facts,
  Note,
  PageHeading,
  Problem,
  Table,
  Time,
} from '../ui/parts.tsx';
import {
  type CertificateView,
  componentsView,
  dnsFindingsView,
  hostsView,
  zoneView,
} from '../views/hosts.ts';
import { lifeOf } from './certificate-life.ts';
import { ComponentsCard } from './components.tsx';
import { Findings } from './findings.tsx';

const LIST = '/admin/hosts';

/** Adds these pages. */
export function addHostPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => listHosts(c, desk));
  app.get(`${LIST}/:domain`, (c) => showHost(c, desk, c.req.param('domain')));
  app.get(`${LIST}/:domain/dns`, (c) => showDns(c, desk, c.req.param('domain')));
}

async function listHosts(c: Ask, desk: Desk) {
  const head = { title: 'Hosts', area: 'hosts' } as const;
  const outcome = await desk.ask(c, 'hosts.list', {}, hostsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const now = desk.clock.now();
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Hosts"
        lead="The domains that this server serves. They come from the config files."
      />
      {outcome.value.hosts.length === 0 ? (
        <Empty>No domain is served.</Empty>
      ) : (
        <Table
          caption="Hosts"
          heads={['Domain', 'Users', 'Online', 'Certificate', 'Issued by']}
          rows={outcome.value.hosts.map(({ domain, accounts, sessions, certificate }) => {
            const life = lifeOf(certificate ?? undefined, now);
            return [
              <a class="wrap" href={hostPath(domain)}>
                {domain}
              </a>,
              <a href={link('/admin/users', { host: domain })}>{plural(accounts, 'user')}</a>,
              <a href={link('/admin/sessions', { host: domain })}>{plural(sessions, 'session')}</a>,
              <Badge tone={life.tone}>{life.word}</Badge>,
              <span class="wrap">{certificate?.issuer ?? 'nobody'}</span>,
            ];
          })}
        />
      )}
    </>,
  );
}

async function showHost(c: Ask, desk: Desk, domain: string) {
  const head = { title: domain, area: 'hosts' } as const;
  const [outcome, listed] = await Promise.all([
    desk.ask(c, 'hosts.list', {}, hostsView),
    desk.ask(c, 'components.list', {}, componentsView),
  ]);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  if (!listed.ok) return desk.problem(c, head, listed);
  const host = outcome.value.hosts.find((each) => each.domain === domain);
  if (host === undefined)
    return desk.problem(c, head, failure('not-found', 'This domain is not served.'));
  const now = desk.clock.now();
  const life = lifeOf(host.certificate ?? undefined, now);
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title={domain}
        lead={`${plural(host.accounts, 'user')}, ${plural(host.sessions, 'session')} online`}
      />
      <section class="card" aria-labelledby="certificate">
        <div class="card-head">
          <h2 id="certificate">Certificate</h2>
          <Badge tone={life.tone}>{life.word}</Badge>
        </div>
        {host.certificate?.problems.map((problem) => (
          <Note tone="warning">
            <p>{problem}</p>
          </Note>
        ))}
        {host.certificate ? (
          <CertificateFacts certificate={host.certificate} />
        ) : (
          <Empty>There is none, so nobody can connect securely.</Empty>
        )}
        <div class="actions">
          <a class="button primary" href={hostPath(domain, 'request')}>
            Request one from an authority
          </a>
          <a class="button" href={hostPath(domain, 'import')}>
            Import
          </a>
          <a class="button" href={hostPath(domain, 'generate')} data-dialog>
            Make a self-signed one
          </a>
        </div>
      </section>
      <section class="card" aria-labelledby="dns">
        <h2 id="dns">DNS records</h2>
        <div id="dns-findings" data-load={hostPath(domain, 'dns')} aria-live="polite">
          <p>
            <a class="button" href={hostPath(domain, 'dns')}>
              Show the records, and compare them with DNS
            </a>
          </p>
        </div>
      </section>
      <ComponentsCard
        components={listed.value.components.filter((each) => each.host === domain)}
        now={now}
      />
      <section class="card" aria-labelledby="modules">
        <h2 id="modules">Modules</h2>
        <p class="quiet">
          {host.anonymous ? 'Anonymous log-in is allowed. ' : ''}
          What is switched on for this domain by the config.
        </p>
        <ul class="chips">
          {host.modules.map((name) => (
            <li>{name}</li>
          ))}
        </ul>
      </section>
    </>,
  );
}

/** The records that the domain needs, and what DNS has. */
async function showDns(c: Ask, desk: Desk, domain: string) {
  const head = { title: `DNS of ${domain}`, area: 'hosts' } as const;
  const [zone, found] = await Promise.all([
    desk.ask(c, 'dns.zone', { domain }, zoneView),
    desk.ask(c, 'dns.check', { domain }, dnsFindingsView),
  ]);
  if (!zone.ok) return desk.problem(c, head, zone);
  return desk.page(
    c,
    head,
    <>
      <PageHeading title={head.title} lead="The records that it needs, and what is there.">
        <a class="button" href={hostPath(domain)}>
          {domain}
        </a>
      </PageHeading>
      <div class="card" id="dns-findings">
        {found.ok ? (
          <Findings findings={found.value.findings.map((each) => ({ ...each, area: '' }))} />
        ) : (
          <Problem problem={found} />
        )}
        <Copyable label="For the zone file" text={zone.value.zone} />
      </div>
    </>,
  );
}

const CertificateFacts = ({ certificate }: { certificate: CertificateView }) => (
  <Facts
    facts={[
      ['Issued by', certificate.selfSigned ? 'This server itself' : certificate.issuer],
      ['From', SOURCES[certificate.source] ?? certificate.source],
      ['Valid from', <Time at={certificate.notBefore} />],
      ['Valid until', <Time at={certificate.notAfter} />],
      ['Names', <span class="wrap">{certificate.names.join(', ')}</span>],
      ['Key', certificate.keyType],
      ['SHA-256 fingerprint', <span class="mono wrap">{certificate.fingerprint}</span>],
      ['Key pin (TLSA 3 1 1)', <span class="mono wrap">{certificate.publicKeySha256}</span>],
      ['File', <span class="mono wrap">{certificate.certificateFile || 'none: in memory'}</span>],
    ]}
  />
);

/** Where a certificate comes from, in words. */
const SOURCES: Readonly<Record<string, string>> = {
  configured: 'The files that the config names',
  imported: 'An import',
  found: 'A folder of certificates',
  'self-signed': 'Made here',
};
