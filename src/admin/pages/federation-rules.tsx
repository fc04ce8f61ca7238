/** What admins have said of other domains: which are blocked, and which allowed whatever the config says. */
import type { Hono } from 'hono';
import type { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, filled, link } from '../desk.tsx';
import { Badge, Choice, Confirm, Empty, Field, Table } from '../ui/parts.tsx';
import type { rulesView } from '../views/federation.ts';
import { FEDERATION, partnerPath } from './federation-paths.ts';

/** Adds the pages by which something is said, or taken back. */
export function addRulePages(app: Hono<AdminEnv>, desk: Desk): void {
  for (const verdict of ['block', 'allow', 'reset'] as const) {
    app.get(`${FEDERATION}/${verdict}`, (c) => confirmRule(c, desk, verdict, c.req.query()));
    app.post(`${FEDERATION}/${verdict}`, async (c) => {
      const fields = await fieldsOf(c);
      const { domain = '', host = '' } = fields;
      const outcome = await desk.run(c, `s2s.${verdict}`, { domain, ...filled({ host }) });
      if (!outcome.ok) return confirmRule(c, desk, verdict, fields, outcome);
      return desk.done(c, FEDERATION, RULINGS[verdict].done(domain));
    });
  }
}

type Rule = z.output<typeof rulesView>['rules'][number];

/** All that was said, with what can be said. */
export const Rules = ({ rules }: { rules: readonly Rule[] }) => (
  <section aria-labelledby="rules">
    <div class="card-head">
      <h2 id="rules">Blocked and allowed</h2>
      <div class="actions">
        <a class="button" href={`${FEDERATION}/block`} data-dialog>
          Block a domain
        </a>
        <a class="button" href={`${FEDERATION}/allow`} data-dialog>
          Allow a domain
        </a>
      </div>
    </div>
    {rules.length === 0 ? (
      <Empty>Nothing was said here; the lists of the config hold.</Empty>
    ) : (
      <Table
        caption="Blocked and allowed domains"
        heads={['Domain', 'Said', 'For', '']}
        rows={rules.map(({ domain, verdict, host }) => [
          domain.startsWith('*') ? (
            <span class="wrap">{domain}</span>
          ) : (
            <a class="wrap" href={partnerPath(domain)}>
              {domain}
            </a>
          ),
          <Badge tone={verdict === 'block' ? 'error' : 'ok'}>
            {verdict === 'block' ? 'Blocked' : 'Allowed'}
          </Badge>,
          host === '*' ? 'All our domains' : host,
          <a
            class="button small"
            href={link(`${FEDERATION}/reset`, { domain, host: host === '*' ? '' : host })}
            data-dialog
          >
            Take back <span class="unseen">what was said of {domain}</span>
          </a>,
        ])}
      />
    )}
  </section>
);

const RULINGS = {
  block: {
    title: 'Block a domain',
    button: 'Block it',
    text: 'Its streams are closed at once, and stanzas to it come back with an error. This goes before the config, and stays over restarts.',
    done: (domain: string) => `${domain} is blocked.`,
  },
  allow: {
    title: 'Allow a domain',
    button: 'Allow it',
    text: 'It may be talked with, whatever lists the config has. This stays over restarts.',
    done: (domain: string) => `${domain} is allowed.`,
  },
  reset: {
    title: 'Take back what was said of a domain',
    button: 'Take it back',
    text: 'The lists of the config hold for it again.',
    done: (domain: string) => `For ${domain}, the config holds again.`,
  },
} as const;

function confirmRule(
  c: Ask,
  desk: Desk,
  verdict: keyof typeof RULINGS,
  { domain = '', host = '' }: Readonly<Record<string, string>>,
  problem?: OperationFailure,
) {
  const { title, button, text } = RULINGS[verdict];
  const domains = desk.domains(c);
  return desk.form(
    c,
    { title, area: 'federation' },
    <Confirm
      title={`${title}?`}
      action={`${FEDERATION}/${verdict}`}
      csrf={c.get('session').csrf}
      button={button}
      back={FEDERATION}
      isDangerous={verdict === 'block'}
      problem={problem}
    >
      <Field
        name="domain"
        id="ruled-domain"
        label="Other domain"
        hint="Or *.example.org for all that are below it."
        value={domain}
        fault={problem?.fields?.['domain']}
        required
      />
      {domains.length < 2 && host === '' ? null : (
        <Choice
          name="host"
          id="ruled-host"
          label="For"
          value={host}
          options={[['', 'All our domains'], ...domains.map((each) => [each, each] as const)]}
        />
      )}
      <p>{text}</p>
    </Confirm>,
    problem,
  );
}
