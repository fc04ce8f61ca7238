/** The server itself: where it listens, where its files are, what it can do; reloading the config. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import type { AdminEnv, Ask, Desk } from '../desk.tsx';
import { countText, durationText, sizeText } from '../text.ts';
import { Badge, Confirm, Facts, PageHeading, Problem, Table, Time } from '../ui/parts.tsx';
import { aboutView, statusView } from '../views.ts';

const PATH = '/admin/server';
const reloadView = z.object({ changed: z.array(z.string()) });

/** Adds these pages. */
export function addServerPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(PATH, (c) => show(c, desk));
  app.get(`${PATH}/reload`, (c) => confirmReload(c, desk));
  app.post(`${PATH}/reload`, async (c) => {
    const outcome = await desk.ask(c, 'server.reload', {}, reloadView);
    if (!outcome.ok) return confirmReload(c, desk, outcome);
    const { changed } = outcome.value;
    const text = changed.length === 0 ? 'Nothing had changed.' : `Changed: ${changed.join('; ')}.`;
    return desk.done(c, PATH, `The config was read again. ${text}`);
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
        <a class="button" href={`${PATH}/reload`} data-dialog>
          Reload the config
        </a>
      </PageHeading>
      <div class="columns">
        <section class="card" aria-labelledby="process">
          <h2 id="process">Process</h2>
          <Facts
            facts={[
              ['Started', <Time at={value.since} />],
              ['Running for', durationText(value.uptimeSeconds)],
              ['Process id', value.pid],
              ['Memory', sizeText(value.memoryBytes)],
              ['Database', sizeText(value.store.bytes)],
              [
                'Writes',
                `${countText(value.store.writes)}, ${countText(value.store.queued)} waiting`,
              ],
              ['Last commit took', `${value.store.lastCommitMs.toFixed(1)} ms`],
              [
                'Config',
                <span class="mono wrap">{value.configFile || 'none: development defaults'}</span>,
              ],
              ['Data', <span class="mono wrap">{value.dataFolder}</span>],
            ]}
          />
        </section>
        <section class="card" aria-labelledby="listeners">
          <h2 id="listeners">Listeners</h2>
          <Facts
            facts={value.listeners.map(
              ({ name, address, port }) =>
                [
                  name,
                  <span class="mono wrap">{port ? `${address}, port ${port}` : address}</span>,
                ] as const,
            )}
          />
        </section>
      </div>
      <section aria-labelledby="specs">
        <h2 id="specs">What it speaks</h2>
        {about.ok ? (
          <Table
            caption="Specifications"
            heads={['Module', 'Specification', 'Version', 'Covers', 'Note']}
            rows={about.value.specs.map(({ name, spec, version, covers, note }) => [
              name,
              spec,
              version,
              <Badge tone={covers === 'complete' ? 'ok' : 'quiet'}>{covers}</Badge>,
              note,
            ])}
          />
        ) : (
          <Problem problem={about} />
        )}
      </section>
    </>,
  );
}

function confirmReload(c: Ask, desk: Desk, problem?: OperationFailure) {
  return desk.page(
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
    problem === undefined ? 200 : 422,
  );
}
