/** The log's levels, which hold until the next start. */
import type { Hono } from 'hono';
import type { OperationFailure } from '../../core/operation.ts';
import { LOG_LEVELS } from '../../kit/log.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf } from '../desk.tsx';
import { Choice, PageHeading, Problem, Token } from '../ui/parts.tsx';
import { levelsView } from '../views/server.ts';

const PATH = '/admin/log';
const MEANINGS: Readonly<Record<string, string>> = {
  trace: 'trace: everything',
  debug: 'debug: each decision',
  info: 'info: what happens',
  warn: 'warn: what looks wrong',
  error: 'error: what went wrong',
  fatal: 'fatal: only the end',
  silent: 'silent: nothing',
};

/** Adds this page. */
export function addLogPage(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(PATH, (c) => show(c, desk));
  app.post(PATH, async (c) => {
    const { area = '', level = '' } = await fieldsOf(c);
    const input = { level, ...(area === '*' ? {} : { area }) };
    const outcome = await desk.run(c, 'log.level', input);
    if (!outcome.ok) return show(c, desk, outcome);
    const what = area === '*' ? 'all other areas' : area;
    return desk.done(c, PATH, `The log of ${what} is at ${level} now.`);
  });
}

async function show(c: Ask, desk: Desk, problem?: OperationFailure) {
  const head = { title: 'Log levels', area: 'log' } as const;
  const outcome = await desk.ask(c, 'log.levels', {}, levelsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  return desk.form(
    c,
    head,
    <>
      <PageHeading
        title="Log levels"
        lead="How much each area writes to the log. A change holds until the server starts again; lasting ones belong in the config."
      />
      <Problem problem={problem} />
      <div class="card rows">
        {outcome.value.map(({ area, level }) => (
          <form class="row" method="post" action={PATH}>
            <Token csrf={c.get('session').csrf} />
            <input type="hidden" name="area" value={area} />
            <span class={area === '*' ? '' : 'mono'}>
              {area === '*' ? 'All other areas' : area}
            </span>
            <Choice
              name="level"
              id={`level-${area}`}
              label={`Level of ${area === '*' ? 'all other areas' : area}`}
              isLabelHidden
              value={level}
              options={LOG_LEVELS.map((each) => [each, MEANINGS[each] ?? each] as const)}
            />
            <button class="button" type="submit">
              Set<span class="unseen"> the level of {area === '*' ? 'all other areas' : area}</span>
            </button>
          </form>
        ))}
      </div>
    </>,
    problem,
  );
}
