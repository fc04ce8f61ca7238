/** The elements of XEP-0313 and XEP-0441 on the wire. */
import { formElement } from '../../stanza/form.ts';
import { type PageReport, pageReport } from '../../stanza/rsm.ts';
import {
  attr,
  dateTimeAttr,
  each,
  flag,
  optionalAttr,
  payload,
  struct,
  text,
} from '../../xml/codec.ts';
import { append, childrenOf, type Element, el } from '../../xml/element.ts';
import type { Ends, Mark } from './messages.ts';
import type { Preferences } from './preferences.ts';

/** The namespace of message archives, and the type of their forms. */
export const MAM = 'urn:xmpp:mam:2';
/** The feature of what version 0.7 added (XEP-0313 §7). */
export const MAM_EXTENDED = 'urn:xmpp:mam:2#extended';
/** The feature of those who understand `include-groupchat`, with or without any groupchat (§7). */
export const MAM_GROUPCHAT_FIELD = 'urn:xmpp:mam:2#groupchat-field';
/** The field of a search (XEP-0431 §3.1). */
export const FULLTEXT_FIELD = '{urn:xmpp:fulltext:0}fulltext';

/** A query, whose form and page are read apart. */
export const Query = payload('query', MAM, {
  queryid: optionalAttr('queryid'),
  node: optionalAttr('node'),
  isFlipped: flag('flip-page'),
});

const mark = struct({ id: attr('id'), timestamp: dateTimeAttr('timestamp') });

/** What there is in an archive (§5). */
export const Metadata = payload('metadata', MAM, {
  start: each('start', mark),
  end: each('end', mark),
});

const jidList = struct({ jids: each('jid', text) });

/** Preferences (XEP-0441 §2.1). */
export const Prefs = payload('prefs', MAM, {
  default: optionalAttr('default'),
  always: each('always', jidList),
  never: each('never', jidList),
});

/** Preferences as they are told. */
export function prefsElement(preferences: Preferences): Element {
  const { always, never } = preferences;
  return Prefs.encode({
    default: preferences.default,
    always: [{ jids: always }],
    never: [{ jids: never }],
  });
}

/** The state of an archive (§5); `ends` is undefined for an empty one. */
export function metadataElement(ends: Ends | undefined, uidOf: (mark: Mark) => string): Element {
  if (ends === undefined) return Metadata.encode({ start: [], end: [] });
  const told = (mark: Mark) => [{ id: uidOf(mark), timestamp: mark.at }];
  return Metadata.encode({ start: told(ends.first), end: told(ends.last) });
}

/** What ends a page (§4, §4.3.2). */
export interface Fin {
  readonly report: PageReport;
  /** There is no more in the direction of paging. */
  readonly isComplete: boolean;
  /** The same query may find more later, though nothing came in. */
  readonly isUnstable: boolean;
}

/** The `<fin/>` of a page. */
export function finElement({ report, isComplete, isUnstable }: Fin): Element {
  return el(
    'fin',
    {
      xmlns: MAM,
      complete: isComplete ? 'true' : undefined,
      stable: isUnstable ? 'false' : undefined,
    },
    pageReport(report),
  );
}

/** The fields of a query (§4.1.5). */
export const FIELDS = {
  with: 'jid-single',
  start: 'text-single',
  end: 'text-single',
  'before-id': 'text-single',
  'after-id': 'text-single',
  ids: 'list-multi',
  'include-groupchat': 'boolean',
  [FULLTEXT_FIELD]: 'text-single',
} as const;

/** The name of a field of a query. */
export type FieldName = keyof typeof FIELDS;

/** The form of the fields that a query may have. */
export function queryForm(names: readonly FieldName[]): Element {
  const form = formElement({
    type: 'form',
    formType: MAM,
    fields: names.map((name) => ({ name, type: FIELDS[name], values: [] })),
  });
  for (const field of childrenOf(form)) if (field.attrs['var'] === 'ids') append(field, OPEN());
  return el('query', { xmlns: MAM }, form);
}

/** XEP-0122 §3.2.2: any value, not only one of those that are offered, which are none. */
const OPEN = (): Element =>
  el(
    'validate',
    { xmlns: 'http://jabber.org/protocol/xdata-validate', datatype: 'xs:string' },
    el('open'),
  );
