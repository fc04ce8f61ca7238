/** Other servers: the links with them, and what there is with one. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, filled, link, whole } from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Ago,
  Badge,
  Confirm,
  Empty,
  PageHeading,
  Pager,
  Problem,
  Search,
  Table,
  Time,
  type Tone,
} from '../ui/parts.tsx';
import {
  type LinkView,
  linksView,
  type PartnerView,
  partnerView,
  rulesView,
} from '../views/federation.ts';
import { addExaminationPage, Examine } from './examination.tsx';
import { FEDERATION, partnerPath } from './federation-paths.ts';
import { addRulePages, Rules } from './federation-rules.tsx';
import { DomainFilter } from './users.tsx';

const PAGE = 100;

/** Adds these pages. */
export function addFederationPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(FEDERATION, (c) => listLinks(c, desk));
  addExaminationPage(app, desk);
  addRulePages(app, desk);
  app.get(`${FEDERATION}/with/:domain`, (c) => showPartner(c, desk, c.req.param('domain')));
  app.get(`${FEDERATION}/close`, (c) => confirmClose(c, desk, c.req.query('domain') ?? ''));
  app.post(`${FEDERATION}/close`, async (c) => {
    const { domain = '' } = await fieldsOf(c);
    const outcome = await desk.ask(c, 's2s.close', { domain }, closedView);
    if (!outcome.ok) return confirmClose(c, desk, domain, outcome);
    const { closed } = outcome.value;
    return desk.done(c, partnerPath(domain), `${plural(closed, 'stream')} with ${domain} closed.`);
  });
}

const closedView = z.object({ closed: z.number() });

const DIRECTIONS: Readonly<Record<LinkView['direction'], string>> = {
  in: 'From there',
  out: 'To there',
  both: 'Both ways',
};

const STATES: Readonly<Record<LinkView['state'], readonly [Tone, string]>> = {
  up: ['ok', 'Connected'],
  connecting: ['info', 'Connecting'],
  waiting: ['warning', 'Tries again later'],
  idle: ['quiet', 'Idle'],
};

const PROOFS: Readonly<Record<string, string>> = {
  external: 'Certificate (SASL EXTERNAL)',
  certificate: 'Certificate',
  dialback: 'Dialback',
};

const MANAGEMENTS: Readonly<Record<LinkView['management'], string>> = {
  none: 'No',
  acks: 'Yes',
  resumable: 'Yes, and resumed when it breaks',
};

const LinkTable = ({ links, now }: { links: readonly LinkView[]; now: number }) => (
  <Table
    caption="Links"
    isWide
    heads={[
      'Domain',
      'State',
      'Way',
      'Secured by',
      'Proved by',
      'Acknowledges',
      'Since',
      'Under way',
    ]}
    rows={links.map((each) => {
      const [tone, word] = STATES[each.state];
      return [
        <>
          <a class="wrap" href={partnerPath(each.domain)}>
            {each.domain}
          </a>
          <span class="second wrap">{each.host}</span>
        </>,
        <>
          <Badge tone={tone}>{word}</Badge>
          <span class="second wrap">{each.failure}</span>
        </>,
        DIRECTIONS[each.direction],
        <Security link={each} />,
        PROOFS[each.proof] ?? 'Not yet',
        each.state === 'up' ? MANAGEMENTS[each.management] : 'Not yet',
        each.since === null ? 'Not yet' : <Ago at={each.since} now={now} />,
        <UnderWay link={each} />,
      ];
    })}
  />
);

const UnderWay = ({ link: { queued, unacknowledged } }: { link: LinkView }) => (
  <>
    {queued === 0 ? 'Nothing' : plural(queued, 'stanza')}
    <span class="second">{unacknowledged === 0 ? null : `${unacknowledged} not acknowledged`}</span>
  </>
);

const Security = ({ link: { state, secure, address } }: { link: LinkView }) => (
  <>
    {secure !== '' ? secure : null}
    {secure === '' && state === 'up' ? <Badge tone="warning">Not encrypted</Badge> : null}
    {secure === '' && state !== 'up' ? 'Not yet' : null}
    <span class="second mono wrap">{address}</span>
  </>
);

async function listLinks(c: Ask, desk: Desk) {
  const head = { title: 'Federation', area: 'federation' } as const;
  const { search = '', host = '', domain = '' } = c.req.query();
  const offset = whole(c.req.query('offset'), 0);
  const input = { ...filled({ search, host }), offset, limit: PAGE };
  const [outcome, rules] = await Promise.all([
    desk.ask(c, 's2s.list', input, linksView),
    desk.ask(c, 's2s.rules', {}, rulesView),
  ]);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { links, total } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading title="Federation" lead="Other servers, with whose users ours can talk." />
      <Examine domain={domain} host={host} domains={desk.domains(c)} />
      <section aria-labelledby="links">
        <h2 id="links">Links</h2>
        <Search action={FEDERATION} value={search} label="Search domains and addresses">
          <DomainFilter domains={desk.domains(c)} value={host} />
        </Search>
        <div id="live" data-refresh="5">
          <p class="quiet">{plural(total, 'link')}</p>
          {links.length === 0 ? (
            <Empty>
              {search === ''
                ? 'No other server is connected. A link is made when somebody writes.'
                : 'No link matches.'}
            </Empty>
          ) : (
            <LinkTable links={links} now={desk.clock.now()} />
          )}
          <Pager
            offset={offset}
            limit={PAGE}
            total={total}
            at={(from) => link(FEDERATION, { search, host, offset: from })}
          />
        </div>
      </section>
      {rules.ok ? <Rules rules={rules.value.rules} /> : <Problem problem={rules} />}
    </>,
  );
}

async function showPartner(c: Ask, desk: Desk, domain: string) {
  const head = { title: domain, area: 'federation' } as const;
  const outcome = await desk.ask(c, 's2s.show', { domain }, partnerView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { policy, links, history } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading title={domain} lead="Another domain: links, policy and history.">
        <a class="button primary" href={link(FEDERATION, { domain })}>
          Examine
        </a>
        <a class="button" href={link(`${FEDERATION}/close`, { domain })} data-dialog>
          Close its streams
        </a>
        <a class="button danger" href={link(`${FEDERATION}/block`, { domain })} data-dialog>
          Block
        </a>
        <a class="button" href={link(`${FEDERATION}/allow`, { domain })} data-dialog>
          Allow
        </a>
      </PageHeading>
      <section aria-labelledby="links">
        <h2 id="links">Links</h2>
        {links.length === 0 ? (
          <Empty>There is none now. One is made when somebody writes.</Empty>
        ) : (
          <LinkTable links={links} now={desk.clock.now()} />
        )}
      </section>
      <PolicyTable policy={policy} />
      <HistoryTable history={history} />
    </>,
  );
}

const PolicyTable = ({ policy }: { policy: PartnerView['policy'] }) => (
  <section aria-labelledby="policy">
    <h2 id="policy">Policy</h2>
    <Table
      caption="Policy"
      heads={['Our domain', 'May talk with it', 'Why']}
      rows={policy.map(({ host, allowed, why }) => [
        host,
        <Badge tone={allowed ? 'ok' : 'error'}>{allowed ? 'Yes' : 'No'}</Badge>,
        why === '' ? 'Nothing speaks against it.' : why,
      ])}
    />
  </section>
);

const EVENTS: Readonly<Record<string, readonly [Tone, string]>> = {
  opened: ['ok', 'Opened'],
  failed: ['error', 'Failed'],
  closed: ['quiet', 'Closed'],
};

const HistoryTable = ({ history }: { history: PartnerView['history'] }) => (
  <section aria-labelledby="history">
    <h2 id="history">History</h2>
    {history.length === 0 ? (
      <Empty>Nothing has happened with it yet.</Empty>
    ) : (
      <Table
        caption="History"
        heads={['When', 'Outcome', 'Way', 'What happened', 'Times']}
        rows={history.map((each) => {
          const [tone, word] = EVENTS[each.outcome] ?? (['quiet', each.outcome] as const);
          return [
            <Time at={each.last} />,
            <Badge tone={tone}>{word}</Badge>,
            <>
              {each.direction === 'in' ? 'From there' : 'To there'}
              <span class="second wrap">{each.host}</span>
            </>,
            <span class="wrap">{each.text}</span>,
            each.times,
          ];
        })}
      />
    )}
  </section>
);

function confirmClose(c: Ask, desk: Desk, domain: string, problem?: OperationFailure) {
  return desk.form(
    c,
    { title: 'Close streams', area: 'federation' },
    <Confirm
      title={`Close the streams with ${domain}?`}
      action={`${FEDERATION}/close`}
      csrf={c.get('session').csrf}
      button="Close the streams"
      back={partnerPath(domain)}
      problem={problem}
    >
      <input type="hidden" name="domain" value={domain} />
      <p>They are opened anew as soon as somebody writes. Nothing that waits is lost.</p>
    </Confirm>,
    problem,
  );
}
