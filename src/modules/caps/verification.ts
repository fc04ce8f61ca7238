/** The hashes of capabilities: XEP-0115 §5 and XEP-0390 §4. */
import { createHash } from 'node:crypto';
import { DATA_FORMS, readForm } from '../../stanza/form.ts';
import { childrenOf, type Element, isNamed, nsOf, textOf } from '../../xml/element.ts';
import { DISCO_INFO, type DiscoInfo } from '../disco/index.ts';

/** The verification string of an entity by XEP-0115 §5.1, in Base64. */
export function verificationString(info: DiscoInfo, hash = 'sha1'): string {
  const identities = info.identities
    .map(({ category, type, lang = '', name = '' }) => ({
      key: [category, type, lang].join('\0'), // compares part by part
      text: `${category}/${type}/${lang}/${name}`,
    }))
    .sort((a, b) => byOctets(a.key, b.key))
    .map(({ text }) => text);
  const parts = [...identities, ...sorted(info.features), ...formParts(info.forms)];
  return createHash(hash)
    .update(parts.map((part) => `${part}<`).join(''), 'utf8')
    .digest('base64');
}

/** Steps 6 and 7: forms by their FORM_TYPE, their fields by `var`, their values. */
function formParts(elements: readonly Element[]): string[] {
  const forms = elements.flatMap((element) => {
    const form = readForm(element);
    // §5.4: a form without FORM_TYPE does not count
    return form?.formType === undefined ? [] : [{ formType: form.formType, fields: form.fields }];
  });
  return forms
    .sort((a, b) => byOctets(a.formType, b.formType))
    .flatMap(({ formType, fields }) => [
      formType,
      ...fields
        .toSorted((a, b) => byOctets(a.name, b.name))
        .flatMap(({ name, values }) => [name, ...sorted(values)]),
    ]);
}

/** The collation "i;octet" (RFC 4790 §9.3). */
const byOctets = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const sorted = (values: readonly string[]): string[] => values.toSorted(byOctets);

/** What an answer to disco#info says; undefined where XEP-0115 §5.4 calls it ill-formed. */
export function readInfo(query: Element): DiscoInfo | undefined {
  const children = childrenOf(query);
  const named = (name: string) => children.filter((child) => isNamed(child, name, DISCO_INFO));
  const identities = named('identity').map(({ attrs }) => ({
    category: attrs['category'] ?? '',
    type: attrs.type ?? '',
    lang: attrs['xml:lang'],
    name: attrs['name'],
  }));
  const features = named('feature').map(({ attrs }) => attrs['var'] ?? '');
  const forms = children.filter(isTypedForm);
  const isRepeated = (texts: readonly string[]) => new Set(texts).size < texts.length;
  if (isRepeated(features) || isRepeated(identities.map((each) => JSON.stringify(each))))
    return undefined;
  if (isRepeated(forms.map((form) => readForm(form)?.formType ?? ''))) return undefined;
  if (forms.some(hasTypes)) return undefined;
  return { identities, features, forms };
}

/** Whether an element is a form with a FORM_TYPE that is hidden; others are ignored (§5.4). */
function isTypedForm(element: Element): boolean {
  if (!isNamed(element, 'x', DATA_FORMS) || readForm(element)?.formType === undefined) return false;
  return childrenOf(element).some(
    ({ attrs }) => attrs['var'] === 'FORM_TYPE' && attrs.type === 'hidden',
  );
}

/** Whether a form says of several types that it is of them. */
function hasTypes(form: Element): boolean {
  const types = childrenOf(form).filter(({ attrs }) => attrs['var'] === 'FORM_TYPE');
  const said = types.flatMap((field) => childrenOf(field)).filter(({ name }) => name === 'value');
  return new Set(said.map(textOf)).size > 1;
}

/**
 * Whether a verification string says of no other answer that features end as these do. It is not clear which
 * of its parts are features (§9), so that somebody could answer for all who claim the same, and leave one out.
 */
export function isClear({ identities, features, forms }: DiscoInfo, ending: string): boolean {
  const others = [
    ...identities.map(({ category, type, lang = '', name = '' }) =>
      [category, type, lang, name].join('/'),
    ),
    ...formParts(forms),
  ];
  return (
    ![...others, ...features].some((part) => part.includes('<')) &&
    !others.some((part) => part.endsWith(ending))
  );
}

/** What ends the parts of the hash's input, from the greatest to the least (XEP-0390 §4.1). */
const [END_OF_ALL, END_OF_FORM, END_OF_FIELD, END_OF_TEXT] = ['\x1c', '\x1d', '\x1e', '\x1f'];

/** The input of the hash functions of XEP-0390; undefined where §4.1 has an error. */
export function hashInput(query: Element): string | undefined {
  const features: string[] = [];
  const identities: string[] = [];
  const forms: string[] = [];
  for (const child of childrenOf(query)) {
    const { attrs } = child;
    if (isNamed(child, 'feature', DISCO_INFO)) features.push(ended(attrs['var']));
    else if (isNamed(child, 'identity', DISCO_INFO))
      identities.push(
        [attrs['category'], attrs.type, attrs['xml:lang'], attrs['name']].map(ended).join('') +
          END_OF_FIELD,
      );
    else if (isNamed(child, 'x', DATA_FORMS)) {
      const form = formInput(child);
      if (form === undefined) return undefined;
      forms.push(form);
    } else return undefined;
  }
  return [features, identities, forms].map((parts) => sorted(parts).join('') + END_OF_ALL).join('');
}

const ended = (text = ''): string => text + END_OF_TEXT;

function formInput(form: Element): string | undefined {
  const fields: string[] = [];
  let hasType = false;
  for (const field of childrenOf(form)) {
    if (field.name === 'reported' || field.name === 'item') return undefined;
    if (!isNamed(field, 'field', DATA_FORMS)) continue;
    const values = childrenOf(field).filter((child) => isNamed(child, 'value', nsOf(field)));
    if (field.attrs['var'] === 'FORM_TYPE') hasType = true;
    const text = sorted(values.map((value) => ended(textOf(value)))).join('');
    fields.push(ended(field.attrs['var']) + text + END_OF_FIELD);
  }
  return hasType ? sorted(fields).join('') + END_OF_FORM : undefined;
}
