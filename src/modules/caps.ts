/** XEP-0115: Entity Capabilities of the server itself, told in its stream features (§6.3). */
import { createHash } from 'node:crypto';
import { defineModule } from '../core/module.ts';
import { PROGRAM } from '../kit/program.ts';
import { readForm } from '../stanza/form.ts';
import { attr, payload } from '../xml/codec.ts';
import type { Element } from '../xml/element.ts';
import { type DiscoInfo, disco } from './disco/index.ts';

/** `<c/>` (§4). */
export const Capabilities = payload('c', 'http://jabber.org/protocol/caps', {
  hash: attr('hash'),
  node: attr('node'),
  ver: attr('ver'),
});

/** The module. */
export const caps = defineModule({
  name: 'caps',
  specs: [{ xep: 115, version: '1.6.0', covers: 'partial', note: 'no caps optimization (§8.4)' }],
  needs: ['disco'],
  features: [Capabilities.ns],
  setup(home) {
    const { serverInfo, addServerNode } = home.use(disco);
    // §6.2: whoever saw <c/> asks for node#ver
    addServerNode((host, node) => {
      if (!home.isEnabled(host) || !node.startsWith(`${PROGRAM.uri}#`)) return undefined;
      const info = serverInfo(host);
      return node === `${PROGRAM.uri}#${verificationString(info)}` ? info : undefined;
    });
    return {
      streamFeatures({ phase, host }) {
        if (phase === 'early') return []; // who may log in learns what there is, strangers need not
        const ver = verificationString(serverInfo(host));
        return [Capabilities.encode({ hash: 'sha-1', node: PROGRAM.uri, ver })];
      },
    };
  },
});

/** The verification string of an entity: SHA-1 in Base64 (§5.1). */
export function verificationString(info: DiscoInfo): string {
  const identities = info.identities
    .map(({ category, type, lang = '', name = '' }) => ({
      key: [category, type, lang].join('\0'), // compares part by part
      text: `${category}/${type}/${lang}/${name}`,
    }))
    .sort((a, b) => byOctets(a.key, b.key))
    .map(({ text }) => text);
  const parts = [...identities, ...sorted(info.features), ...formParts(info.forms)];
  return createHash('sha1')
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
