/**
 * The server itself: where it listens, where its files are, what it can do; reloading the config, and a copy
 * of the database.
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import type { AdminEnv, Ask, Desk } from '../desk.tsx';
import { countText, durationText, plural, sizeText } from '../text.ts';
import { Badge, Confirm, Facts, PageHeading, Problem, Table, Time } from '../ui/parts.tsx';
import { aboutView, statusView } from '../views/server.ts';

const PATH = '/admin/server';
const reloadView = z.object({ changed: z.array(z.string()), warnings: z.array(z.string()) });
const backupView = z.object({ file: z.string(), bytes: z.number() });

/** Adds these pages. */
export function addServerPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(PATH, (c) => show(c, desk));
  app.get(`${PATH}/reload`, (c) => confirmReload(c, desk));
  app.post(`${PATH}/reload`, async (c) => {
    const outcome = await desk.ask(c, 'server.reload', {}, reloadView);
    if (!outcome.ok) return confirmReload(c, desk, outcome);
    const { changed, warnings } = outcome.value;
    const text = changed.length === 0 ? 'Nothing had changed.' : `Changed: ${changed.join('; ')}.`;
    const mind = warnings.length === 0 ? '' : ` Mind: ${warnings.join('; ')}.`;
    return desk.done(c, PATH, `The config was read again. ${text}${mind}`);
  });
  app.get(`${PATH}/backup`, (c) => confirmBackup(c, desk));
  app.post(`${PATH}/backup`, async (c) => {
    const outcome = await desk.ask(c, 'server.backup', {}, backupView);
    if (!outcome.ok) return confirmBackup(c, desk, outcome);
    const { file, bytes } = outcome.value;
    return desk.done(c, PATH, `The database is backed up: ${sizeText(bytes)} in ${file}.`);
  });
}

async function show(c: Ask, desk: Desk) {
  const head = { title: 'Server', area: 'server' } as const;
  const [status, about] = await Promise.all([
    desk.ask(c, 'server.status', {}, statusView),
    desk.ask(c, 'server.about', {}, aboutView),
  ]);
  if (!status.ok) return desk.problem(c, head, status);
  const { value } = status;
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Server"
        lead={`rtcd ${value.version} on Node ${value.node.replace(/^v/, '')}`}
      >
        <a class="button" href={`${PATH}/backup`} data-dialog>
          Back up
        </a>
        <a class="button" href={`${PATH}/reload`} data-dialog>
          Reload the config
        </a>
      </PageHeading>
      <Running status={value} />
      <section aria-labelledby="specs">
        <h2 id="specs">What it speaks</h2>
        {about.ok ? (
          <details>
            <summary>{plural(about.value.specs.length, 'specification')}</summary>
            <SpecTable specs={about.value.specs} />
          </details>
        ) : (
          <Problem problem={about} />
        )}
      </section>
    </>,
  );
}

const Running = ({ status }: { status: z.output<typeof statusView> }) => (
  <div class="columns">
    <section class="card" aria-labelledby="process">
      <h2 id="process">Process</h2>
      <Facts
        facts={[
          ['Started', <Time at={status.since} />],
          ['Running for', durationText(status.uptimeSeconds)],
          ['Process id', status.pid],
          ['Memory', sizeText(status.memoryBytes)],
          ['Database', sizeText(status.store.bytes)],
          [
            'Writes',
            `${countText(status.store.writes)}, ${countText(status.store.queued)} waiting`,
          ],
          ['Last commit took', `${status.store.lastCommitMs.toFixed(1)} ms`],
          [
            'Config',
            <span class="mono wrap">{status.configFile || 'none: development defaults'}</span>,
          ],
          ['Data', <span class="mono wrap">{status.dataFolder}</span>],
        ]}
      />
    </section>
    <section class="card" aria-labelledby="listeners">
      <h2 id="listeners">Listeners</h2>
      <Facts
        facts={status.listeners.map(
          ({ name, address, port }) =>
            [
              name,
              <span class="mono wrap">{port ? `${address}, port ${port}` : address}</span>,
            ] as const,
        )}
      />
    </section>
  </div>
);

const SpecTable = ({ specs }: { specs: z.output<typeof aboutView>['specs'] }) => (
  <Table
    caption="Specifications"
    heads={['Specification', 'Version', 'Covers', 'Module', 'Note']}
    rows={specs.map(({ name, spec, version, covers, note }) => [
      spec,
      version,
      <Badge tone={covers === 'complete' ? 'ok' : 'quiet'}>{covers}</Badge>,
      name,
      note,
    ])}
  />
);

function confirmReload(c: Ask, desk: Desk, problem?: OperationFailure) {
  return desk.form(
    c,
    { title: 'Reload the config', area: 'server' },
    <Confirm
      title="Reload the config?"
      action={`${PATH}/reload`}
      csrf={c.get('session').csrf}
      button="Reload"
      back={PATH}
      problem={problem}
    >
      <p>
        The files are read again and taken as a whole. If they have a fault, nothing changes and the
        faults are shown here. Nobody is disconnected who is not concerned.
      </p>
    </Confirm>,
    problem,
  );
}

function confirmBackup(c: Ask, desk: Desk, problem?: OperationFailure) {
  return desk.form(
    c,
    { title: 'Back up the database', area: 'server' },
    <Confirm
      title="Back up the database?"
      action={`${PATH}/backup`}
      csrf={c.get('session').csrf}
      button="Back up"
      back={PATH}
      problem={problem}
    >
      <p>
        A whole copy is written into <span class="mono">backups</span> in the data folder, while the
        server goes on. Take it elsewhere together with <span class="mono">uploads</span>,{' '}
        <span class="mono">certs</span>, <span class="mono">tokens.key</span> and the config, and
        remove old ones.
      </p>
    </Confirm>,
    problem,
  );
}
