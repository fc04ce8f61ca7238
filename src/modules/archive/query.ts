/** A query as it is asked (XEP-0313 §4): read once, and whole, or refused. */
import { type Jid, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import {
  DATA_FORMS,
  type Form,
  firstValueOf,
  isTrue,
  readForm,
  valuesOf,
} from '../../stanza/form.ts';
import { type PageRequest, readPageRequest } from '../../stanza/rsm.ts';
import { readDateTime } from '../../xml/date-time.ts';
import { childrenOf, type Element, isNamed } from '../../xml/element.ts';
import { type FieldName, FULLTEXT_FIELD, MAM, Query } from './payloads.ts';

/** What a query asks for. */
export interface ArchiveQuery {
  readonly queryid: string | undefined;
  readonly with: Jid | undefined;
  /** Milliseconds since the epoch. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly beforeId: string | undefined;
  readonly afterId: string | undefined;
  readonly ids: readonly string[] | undefined;
  /** What is searched for (XEP-0431); undefined when nothing is. */
  readonly fulltext: string | undefined;
  readonly page: PageRequest;
  readonly isFlipped: boolean;
}

/** A query, or what is wrong with it. */
export type QueryOutcome =
  | { readonly ok: true; readonly query: ArchiveQuery }
  | { readonly ok: false; readonly failure: StanzaFailure };

/** What one query may ask for. */
export interface QueryTerms {
  /** The fields that the archive knows. */
  readonly fields: readonly FieldName[];
  /** How many ids may be named. */
  readonly idsMost: number;
}

/** A longer id of a query would be written into each result. */
const QUERYID_LENGTH = 256;

const refuse = (condition: StanzaFailure['condition'], text: string) =>
  ({ ok: false, failure: { condition, text } }) as const;

/** Reads a `<query/>`. */
export function readQuery(element: Element, terms: QueryTerms): QueryOutcome {
  const head = Query.decode(element);
  const page = readPageRequest(element);
  if (head === undefined || page === undefined)
    return refuse('bad-request', 'The <set/> of the query is no proper one (XEP-0059).');
  // §6.1.3: reserved for pubsub
  if (head.node !== undefined)
    return refuse('feature-not-implemented', 'There are no nodes in this archive.');
  if (head.queryid !== undefined && head.queryid.length > QUERYID_LENGTH)
    return refuse('bad-request', `A queryid has at most ${QUERYID_LENGTH} characters.`);
  const forms = childrenOf(element).filter((child) => isNamed(child, 'x', DATA_FORMS));
  const [first] = forms;
  const form = first === undefined ? EMPTY : readForm(first);
  if (form === undefined || forms.length > 1 || form.type !== 'submit' || form.formType !== MAM)
    return refuse('bad-request', `The form of a query is submitted once, as ${MAM}.`);
  const unknown = form.fields.find(({ name }) => !isKnown(name, terms.fields));
  if (unknown !== undefined)
    return refuse('feature-not-implemented', `There is no field ${unknown.name} here.`); // §4.1.5
  return withFields(form, terms, { queryid: head.queryid, page, isFlipped: head.isFlipped });
}

const EMPTY: Form = { type: 'submit', formType: MAM, fields: [] };

const isKnown = (name: string, fields: readonly FieldName[]): boolean =>
  name === '' || (fields as readonly string[]).includes(name);

/** Reads the fields. One that is left empty is not filled in. */
function withFields(
  form: Form,
  { idsMost }: QueryTerms,
  head: Pick<ArchiveQuery, 'queryid' | 'page' | 'isFlipped'>,
): QueryOutcome {
  if (form.fields.some(({ name, values }) => name !== 'ids' && values.length > 1))
    return refuse('bad-request', 'Of the fields, only ids has several values.');
  const text = (name: FieldName) => firstValueOf(form, name) || undefined;
  const jid = text('with');
  const parsed = jid === undefined ? undefined : parseJid(jid);
  if (parsed?.ok === false)
    return refuse('jid-malformed', `'with' is not an address: ${parsed.why}.`);
  const [start, end] = [momentOf(text('start')), momentOf(text('end'))];
  if (Number.isNaN(start) || Number.isNaN(end))
    return refuse('bad-request', "'start' and 'end' are moments such as 2010-06-07T00:00:00Z."); // §4.1.2
  const groupchat = text('include-groupchat');
  if (groupchat !== undefined && isTrue(form, 'include-groupchat') === undefined)
    return refuse('bad-request', "'include-groupchat' is true or false.");
  const ids = valuesOf(form, 'ids');
  if (ids?.length === 0) return refuse('bad-request', "'ids' names no id.");
  if (ids !== undefined && ids.length > idsMost)
    return refuse('policy-violation', `At most ${idsMost} ids are looked up at a time.`);
  const query: ArchiveQuery = {
    ...head,
    with: parsed?.value,
    start,
    end,
    beforeId: text('before-id'),
    afterId: text('after-id'),
    ids,
    fulltext: text(FULLTEXT_FIELD),
  };
  return { ok: true, query };
}

/** NaN for a text that is no moment (XEP-0082). */
function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : (readDateTime(text.trim()) ?? Number.NaN);
}
