/** The elements of XEP-0357, and those of XEP-0060 that carry them. */
import { type Jid, parseJid } from '../../jid/jid.ts';
import { type Form, type FormField, formElement, readForm } from '../../stanza/form.ts';
import { attr, optionalAttr, payload } from '../../xml/codec.ts';
import { childOf, childrenOf, type Element, el, serialise } from '../../xml/element.ts';
import { parseElement } from '../../xml/parse.ts';

/** The namespace of push notifications, and the feature of an account that has them (§4.1). */
export const PUSH = 'urn:xmpp:push:0';
const PUBSUB = 'http://jabber.org/protocol/pubsub';
const PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options';
const SUMMARY = 'urn:xmpp:push:summary';

/** `<enable/>` (§5); the node may be missing, the form is read by {@link readOptions}. */
export const Enable = payload('enable', PUSH, { jid: attr('jid'), node: optionalAttr('node') });
/** `<disable/>` (§6); without a node all of the service are meant. */
export const Disable = payload('disable', PUSH, { jid: attr('jid'), node: optionalAttr('node') });

/** Publish options as they are kept: the text of a form, '' for none; undefined when they are wrong. */
export function readOptions(enable: Element): string | undefined {
  const forms = childrenOf(enable).filter(({ name }) => name === 'x');
  const [first] = forms;
  if (first === undefined) return '';
  const form = forms.length === 1 ? readForm(first) : undefined;
  if (form?.type !== 'submit' || form.formType !== PUBLISH_OPTIONS) return undefined; // §5
  return serialise(formElement(valuesOnly(form)));
}

/** What an answer says: no labels, options and instructions. */
function valuesOnly({ type, formType, fields }: Form): Form {
  const field = ({ name, type: kind, values }: FormField) => ({ name, type: kind, values });
  return { type, formType, fields: fields.map(field) };
}

/** What an app server is told (§7, "urn:xmpp:push:summary"). */
export interface Summary {
  /** Messages since the device was last here. */
  readonly messages: number;
  /** Requests for subscription that wait for an answer. */
  readonly requests: number;
  /** Of the last message. */
  readonly sender: Jid | undefined;
  readonly body: string | undefined;
}

/** Where a notification goes, and what goes along with it. */
export interface Destination {
  /** '' where the client named none. */
  readonly node: string;
  /** As {@link readOptions} gave them. */
  readonly options: string;
}

/** `<pubsub/>` with a notification to publish (§7). */
export function publishPayload({ node, options }: Destination, summary: Summary): Element {
  const form = options === '' ? undefined : parseElement(options);
  return el(
    'pubsub',
    { xmlns: PUBSUB },
    el(
      'publish',
      { node: node === '' ? undefined : node },
      el('item', undefined, el('notification', { xmlns: PUSH }, summaryForm(summary))),
    ),
    form?.ok === true && el('publish-options', undefined, form.element),
  );
}

function summaryForm({ messages, requests, sender, body }: Summary): Element {
  const field = (name: string, value: string | number | undefined): readonly FormField[] =>
    value === undefined ? [] : [{ name, values: [String(value)] }];
  return formElement({
    type: 'submit',
    formType: SUMMARY,
    fields: [
      ...field('message-count', messages),
      ...field('pending-subscription-count', requests === 0 ? undefined : requests),
      ...field('last-message-sender', sender),
      ...field('last-message-body', body),
    ],
  });
}

/** A node whose owner no longer lets somebody publish to it (§8). */
export interface Withdrawal {
  readonly node: string;
  /** Whose right it was. */
  readonly jid: Jid;
}

/** The withdrawals that a message announces. */
export function withdrawalsIn(message: Element): readonly Withdrawal[] {
  const pubsub = childOf(message, 'pubsub', PUBSUB);
  if (pubsub === undefined) return [];
  const { node = '' } = pubsub.attrs;
  return childrenOf(pubsub).flatMap(({ name, attrs }) => {
    if (name !== 'affiliation' || !MAY_NOT_PUBLISH.has(attrs['affiliation'] ?? '')) return [];
    const jid = parseJid(attrs['jid'] ?? '');
    return jid.ok ? [{ node, jid: jid.value }] : [];
  });
}

/** XEP-0060 §4.1: the affiliations that may not publish. */
const MAY_NOT_PUBLISH: ReadonlySet<string> = new Set(['none', 'outcast', 'member']);
