/** What a file of XEP-0227 would bring, or has brought. */
import { userPath } from '../desk.tsx';
import { countText, plural } from '../text.ts';
import { Badge, Note, Table } from '../ui/parts.tsx';
import type { ImportView } from '../views/portable.ts';

/** Rows that a page shows. */
const MOST_ROWS = 100;

const FATES = {
  made: ['ok', 'New'],
  completed: ['info', 'Completed'],
  addedTo: ['info', 'Added to'],
} as const;

const of = (count: number, one: string, many: string) =>
  `${countText(count)} ${count === 1 ? one : many}`;

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** It in one sentence, which stands above the rest. */
export const ImportSummary = ({ value, isDry }: { value: ImportView; isDry: boolean }) => {
  const { made, completed, addedTo, passedOver } = value.accounts;
  const parts = [
    made > 0 ? of(made, 'new account', 'new accounts') : '',
    completed > 0 ? `${plural(completed, 'account')} of an import that was interrupted` : '',
    addedTo > 0
      ? `something for ${of(addedTo, 'account that is', 'accounts that are')} here already`
      : '',
  ].filter((part) => part !== '');
  const brought = parts.length === 0 ? 'no account' : parts.join(', ');
  const left = passedOver === 0 ? '' : ` (${plural(passedOver, 'account')} passed over)`;
  const isIll = value.passed.length > 0;
  return (
    <Note tone={isIll ? 'warning' : isDry ? 'info' : 'ok'} role="status">
      <p>
        {isDry
          ? `Nothing is changed yet. The file would bring ${brought}${left}.`
          : `The import has ended: the file brought ${brought}${left}.`}
        {isIll ? ' What is passed over is listed below, with the reason.' : ''}
      </p>
    </Note>
  );
};

/** How many of what. */
export const ImportCounts = ({ value, isDry }: { value: ImportView; isDry: boolean }) => {
  const { made, completed, addedTo, passedOver } = value.accounts;
  return (
    <Table
      caption="What is in the file"
      heads={['Kind', isDry ? 'Would be taken in' : 'Taken in', 'Passed over']}
      rows={[
        ['Accounts', countText(made + completed + addedTo), countText(passedOver)],
        ...value.kinds.map(({ kind, taken, passed }) => [
          capital(kind),
          countText(taken),
          countText(passed),
        ]),
      ]}
    />
  );
};

/** What is passed over, and why; `file` is what the file is called. */
export const PassedOver = ({ value, file }: { value: ImportView; file: string }) => {
  const { passed, untold } = value;
  if (passed.length === 0) return null;
  const rows = gathered(passed);
  const left = rows.slice(MOST_ROWS).reduce((sum, { of: who }) => sum + who.length, untold);
  return (
    <section aria-labelledby="passed">
      <h2 id="passed">Passed over</h2>
      <Table
        caption="Passed over"
        isWide
        heads={['Of', 'What', 'Why']}
        rows={rows
          .slice(0, MOST_ROWS)
          .map(({ of: who, what, why, times }) => [
            <Names names={who.map((each) => (each === '-' ? file : each))} />,
            <span class="wrap">{what}</span>,
            <span class="wrap">
              {times > who.length ? `${why} (${countText(times)} times)` : why}
            </span>,
          ])}
      />
      <More count={left} />
    </section>
  );
};

/** The same that is passed over of several stands once. */
function gathered(passed: ImportView['passed']) {
  const rows = new Map<string, { of: string[]; what: string; why: string; times: number }>();
  for (const { of: who, what, why, times } of passed) {
    const key = JSON.stringify([what, why]);
    const row = rows.get(key) ?? { of: [], what, why, times: 0 };
    row.of.push(who);
    row.times += times;
    rows.set(key, row);
  }
  return [...rows.values()];
}

/** One, and the others behind a click. */
const Names = ({ names: [first, ...others] }: { names: readonly string[] }) => (
  <>
    <span class="wrap">{first}</span>
    {others.length === 0 ? null : (
      <details class="second">
        <summary>{`and ${countText(others.length)} more`}</summary>
        <span class="wrap">{others.join(', ')}</span>
      </details>
    )}
  </>
);

/** Whom the file is about. */
export const People = ({ value, isDry }: { value: ImportView; isDry: boolean }) => {
  const { people, accounts } = value;
  if (people.length === 0) return null;
  const all = accounts.made + accounts.completed + accounts.addedTo;
  return (
    <section aria-labelledby="people">
      <h2 id="people">Accounts</h2>
      <Table
        caption="Accounts"
        heads={['Account', 'State', 'With']}
        rows={people.slice(0, MOST_ROWS).map(({ jid, fate, kinds }) => {
          const [tone, word] = FATES[fate];
          return [
            isDry && fate === 'made' ? (
              <span class="wrap">{jid}</span>
            ) : (
              <a class="wrap" href={userPath(jid)}>
                {jid}
              </a>
            ),
            <Badge tone={tone}>{word}</Badge>,
            kinds.length === 0
              ? 'nothing'
              : kinds.map(({ kind, taken }) => `${kind}: ${countText(taken)}`).join(', '),
          ];
        })}
      />
      <More count={all - Math.min(people.length, MOST_ROWS)} />
    </section>
  );
};

const More = ({ count }: { count: number }) =>
  count > 0 ? <p class="quiet">{`And ${countText(count)} more.`}</p> : null;
