/** The parts of which pages are made. */
import type { Child } from 'hono/jsx';
import type { OperationFailure } from '../../core/operation.ts';
import { agoText, exactText, isoText, timeText } from '../text.ts';
import type { Flash } from '../web-sessions.ts';
import { Icon, type IconName } from './icons.tsx';

/** What a badge or note means; its text and icon say the same as its colour. */
export type Tone = 'ok' | 'warning' | 'error' | 'info' | 'quiet';

const TONE_ICONS: Readonly<Record<Tone, IconName>> = {
  ok: 'ok',
  warning: 'warning',
  error: 'error',
  info: 'info',
  quiet: 'info',
};

/** A word about a state. */
export const Badge = ({
  tone,
  icon,
  children,
}: {
  tone: Tone;
  icon?: IconName | undefined;
  children?: Child;
}) => (
  <span class={`badge ${tone}`}>
    {tone === 'quiet' && icon === undefined ? null : <Icon name={icon ?? TONE_ICONS[tone]} />}
    {children}
  </span>
);

/** A boxed message. */
export const Note = (props: { tone: Tone; role?: 'alert' | 'status'; children?: Child }) => (
  <div class={`note ${props.tone}`} role={props.role}>
    <Icon name={TONE_ICONS[props.tone]} />
    <div>{props.children}</div>
  </div>
);

/** Why something was not done or cannot be shown. */
export const Problem = ({ problem }: { problem: OperationFailure | undefined }) =>
  problem === undefined ? null : (
    <Note tone="error" role="alert">
      <p>{problem.fields === undefined ? problem.text : 'Please correct the marked fields.'}</p>
    </Note>
  );

/** Messages that are shown once. */
export const Flashes = ({ flashes }: { flashes: readonly Flash[] }) => (
  <>
    {flashes.map(({ tone, text, detail }) => (
      <Note tone={tone === 'done' ? 'ok' : 'error'} role={tone === 'done' ? 'status' : 'alert'}>
        <p>{text}</p>
        {detail === undefined ? null : <Copyable label={detail.label} text={detail.text} />}
      </Note>
    ))}
  </>
);

/** A text to copy, with a button where scripts run; the lines of prose are broken to fit. */
export const Copyable = (props: { label: string; text: string; isProse?: boolean }) => (
  <figure class={props.isProse === true ? 'copyable prose' : 'copyable'}>
    <figcaption>{props.label}</figcaption>
    <pre tabindex={0}>{props.text}</pre>
    <button type="button" class="button small" data-copy hidden>
      Copy
    </button>
  </figure>
);

/** A page's heading with what can be done there. */
export const PageHeading = (props: { title: string; lead?: Child; children?: Child }) => (
  <div class="heading">
    <div>
      <h1 class="wrap">{props.title}</h1>
      {props.lead === undefined ? null : <p class="lead">{props.lead}</p>}
    </div>
    {props.children === undefined ? null : <div class="actions">{props.children}</div>}
  </div>
);

/** A labelled input with its hint and its fault. */
export const Field = (props: {
  name: string;
  label: string;
  /** Where a dialog may stand over a page with a field of the same name. */
  id?: string;
  type?: string;
  value?: string | undefined;
  hint?: string;
  fault?: string | undefined;
  required?: boolean;
  autocomplete?: string;
  autofocus?: boolean;
  rows?: number;
  accept?: string;
  /** The most bytes of a file. */
  most?: number;
}) => {
  const { name, label, id = name, type = 'text', value, hint, fault, rows } = props;
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ');
  const shared = {
    id,
    name,
    required: props.required,
    autocomplete: props.autocomplete ?? 'off',
    autofocus: props.autofocus,
    'aria-describedby': described === '' ? undefined : described,
    'aria-invalid': fault === undefined ? undefined : ('true' as const),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input
          type={type}
          value={value}
          accept={props.accept}
          data-most={props.most}
          spellcheck={false}
          autocapitalize="none"
          {...shared}
        />
      ) : (
        <textarea rows={rows} spellcheck={false} class="mono" {...shared}>
          {value}
        </textarea>
      )}
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault === undefined ? null : (
        <p class="fault" id={`${id}-fault`}>
          <Icon name="error" />
          {fault}
        </p>
      )}
    </div>
  );
};

/** A labelled choice. */
export const Choice = (props: {
  name: string;
  label: string;
  value?: string | undefined;
  options: readonly (readonly [value: string, text: string])[];
  fault?: string | undefined;
  id?: string;
  isLabelHidden?: boolean;
}) => {
  const id = props.id ?? props.name;
  return (
    <div class="field">
      <label for={id} class={props.isLabelHidden === true ? 'unseen' : undefined}>
        {props.label}
      </label>
      <select id={id} name={props.name}>
        {props.options.map(([value, text]) => (
          <option value={value} selected={value === props.value}>
            {text}
          </option>
        ))}
      </select>
      {props.fault === undefined ? null : <p class="fault">{props.fault}</p>}
    </div>
  );
};

/** A labelled tick. */
export const Tick = (props: { name: string; label: string; hint?: string; checked?: boolean }) => (
  <div class="tick">
    <input type="checkbox" id={props.name} name={props.name} value="yes" checked={props.checked} />
    <div>
      <label for={props.name}>{props.label}</label>
      {props.hint === undefined ? null : <p class="hint">{props.hint}</p>}
    </div>
  </div>
);

/** The token that proves that a form is ours. */
export const Token = ({ csrf }: { csrf: string }) => (
  <input type="hidden" name="csrf" value={csrf} />
);

/** The foot of a form: what sends it, and, with `back`, the way out, which closes the dialog if it is in one. */
export const Submit = (props: {
  back?: string;
  isDangerous?: boolean | undefined;
  children?: Child;
}) => (
  <div class="actions">
    <button class={props.isDangerous === true ? 'button danger' : 'button primary'} type="submit">
      {props.children}
    </button>
    {props.back === undefined ? null : (
      <a class="button" href={props.back} data-dialog-close>
        Cancel
      </a>
    )}
  </div>
);

/** Roles said again: where tables are laid out as blocks, some browsers forget them. */
const AS = {
  table: { role: 'table' },
  group: { role: 'rowgroup' },
  row: { role: 'row' },
  columnHead: { role: 'columnheader' },
  rowHead: { role: 'rowheader' },
  cell: { role: 'cell' },
} as const;

/** A table that becomes a list of cards on a phone; the first cell of a row names it. */
export const Table = (props: {
  caption: string;
  heads: readonly string[];
  rows: readonly (readonly Child[])[];
  isWide?: boolean;
}) => (
  <table {...AS.table} class={props.isWide === true ? 'wide' : undefined}>
    <caption class="unseen">{props.caption}</caption>
    <thead {...AS.group}>
      <tr {...AS.row}>
        {props.heads.map((head) => (
          <th {...AS.columnHead} scope="col">
            {head === '' ? <span class="unseen">Actions</span> : head}
          </th>
        ))}
      </tr>
    </thead>
    <tbody {...AS.group}>
      {props.rows.map(([name, ...cells]) => (
        <tr {...AS.row}>
          <th {...AS.rowHead} scope="row">
            {name}
          </th>
          {cells.map((cell, index) => {
            const head = props.heads[index + 1] ?? '';
            return (
              <td {...AS.cell} data-label={head} class={head === '' ? 'acts' : undefined}>
                {head === '' ? cell : <div>{cell}</div>}
              </td>
            );
          })}
        </tr>
      ))}
    </tbody>
  </table>
);

/** Says that a list has nothing, and why. */
export const Empty = ({ children }: { children?: Child }) => <p class="empty">{children}</p>;

/** Names and their values. */
export const Facts = ({ facts }: { facts: readonly (readonly [name: string, value: Child])[] }) => (
  <dl class="facts">
    {facts.map(([name, value]) => (
      <div>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

/** A moment: in UTC, and in the reader's own zone where scripts run; to the minute or exactly. */
export const Time = ({ at, isExact = false }: { at: number; isExact?: boolean }) => (
  <time datetime={isoText(at)} data-exact={isExact ? '' : undefined}>
    {`${isExact ? exactText(at) : timeText(at)} UTC`}
  </time>
);

/** How long ago a moment was. */
export const Ago = ({ at, now }: { at: number; now: number }) => (
  <time datetime={isoText(at)} data-ago>
    {agoText(at, now)}
  </time>
);

/** Leads to the pages before and after. */
export const Pager = (props: {
  offset: number;
  limit: number;
  total: number;
  at: (offset: number) => string;
}) => {
  const { offset, limit, total, at } = props;
  if (total <= limit && offset === 0) return null;
  return (
    <nav class="pager" aria-label="Pages">
      {offset > 0 ? (
        <a class="button" rel="prev" href={at(Math.max(0, offset - limit))}>
          Previous
        </a>
      ) : null}
      <span class="quiet">
        {`${Math.min(offset + 1, total)} to ${Math.min(offset + limit, total)} of ${total}`}
      </span>
      {offset + limit < total ? (
        <a class="button" rel="next" href={at(offset + limit)}>
          Next
        </a>
      ) : null}
    </nav>
  );
};

/** A search field that sends its form. */
export const Search = (props: {
  action: string;
  value: string;
  label: string;
  children?: Child;
}) => (
  <search>
    <form class="search" method="get" action={props.action}>
      <label for="search" class="unseen">
        {props.label}
      </label>
      <span class="search-box">
        <Icon name="search" />
        <input
          type="search"
          id="search"
          name="search"
          value={props.value}
          placeholder={props.label}
        />
      </span>
      {props.children}
      <button class="button" type="submit">
        Search
      </button>
    </form>
  </search>
);

/** Asks before something is done. */
export const Confirm = (props: {
  title: string;
  action: string;
  csrf: string;
  button: string;
  back: string;
  isDangerous?: boolean | undefined;
  problem?: OperationFailure | undefined;
  children?: Child;
}) => (
  <div class="confirm card" data-dialog-content>
    <h1 class="wrap">{props.title}</h1>
    <Problem problem={props.problem} />
    <form method="post" action={props.action}>
      <Token csrf={props.csrf} />
      {props.children}
      <Submit back={props.back} isDangerous={props.isDangerous}>
        {props.button}
      </Submit>
    </form>
  </div>
);
