/** What rtcd implements, from what its modules declare: docs/conformance.md and docs/rtcd.doap. */
import { PROGRAM } from '../kit/program.ts';
import { escapeAttribute, escapeText } from '../xml/element.ts';
import type { AnyModule, Spec } from './module.ts';

/** Whatever implements specifications. */
export type Implementer = Pick<AnyModule, 'name' | 'specs'>;

/** A specification and who implements it, in words. */
export interface SpecLine {
  /** A module, or the floor of the house, such as `core`. */
  readonly name: string;
  /** Such as `XEP-0030` or `RFC 6121`. */
  readonly spec: string;
  /** The version of a XEP; the sections of an RFC, '' for all of it. */
  readonly version: string;
  readonly covers: Spec['covers'];
  /** '' if there is nothing to say. */
  readonly note: string;
}

/** What a server has to do with what clients say to each other. */
const PASSED = 'passed on, copied and kept as other messages';

/** The specifications that no module implements, but the house itself. */
export const CORE_SPECS: readonly Implementer[] = [
  {
    name: 'jid',
    specs: [
      { rfc: 5891, covers: 'complete', note: 'domains, with the mapping of UTS 46' },
      { rfc: 7622, covers: 'complete' },
      { rfc: 8264, covers: 'complete' },
      { rfc: 8265, covers: 'complete' },
    ],
  },
  { name: 'xml', specs: [{ xep: 82, version: '1.1.1', covers: 'partial', note: 'DateTime' }] },
  {
    name: 'sasl',
    specs: [
      { rfc: 4422, covers: 'complete' },
      { rfc: 4505, covers: 'complete' },
      { rfc: 4616, covers: 'complete', note: 'under TLS only' },
      { rfc: 5802, covers: 'complete' },
      { rfc: 7677, covers: 'complete' },
      { xep: 474, version: '0.5.0', covers: 'complete' },
      { xep: 515, version: '0.1.0', covers: 'complete' },
    ],
  },
  {
    name: 'stanza',
    specs: [
      { xep: 4, version: '2.13.2', covers: 'partial', note: 'no forms with several items' },
      { xep: 68, version: '1.3.0', covers: 'complete' },
      { xep: 85, version: '2.1', covers: 'complete', note: 'passed on, not kept for later' },
      { xep: 184, version: '1.4.0', covers: 'complete', note: PASSED },
      { xep: 308, version: '1.2.1', covers: 'complete', note: PASSED },
      { xep: 333, version: '1.0.0', covers: 'complete', note: PASSED },
      { xep: 444, version: '0.2.1', covers: 'complete', note: PASSED },
      { xep: 461, version: '0.2.1', covers: 'complete', note: PASSED },
    ],
  },
  { name: 'core', specs: [{ rfc: 6121, sections: '5, 8', covers: 'complete' }] },
  {
    name: 'stream',
    specs: [
      { rfc: 6120, covers: 'complete' },
      { xep: 440, version: '1.0.0', covers: 'complete' },
    ],
  },
  {
    name: 'c2s',
    specs: [
      { rfc: 5929, covers: 'complete' },
      {
        rfc: 7395,
        covers: 'complete',
        note: 'at /xmpp-websocket; from elsewhere through a proxy that speaks TLS',
      },
      { rfc: 7590, covers: 'complete' },
      { rfc: 9266, covers: 'complete' },
      {
        xep: 124,
        version: '1.11.2',
        covers: 'partial',
        note: 'at /http-bind, as WebSocket; one stream in a session, no compressed requests',
      },
      { xep: 175, version: '1.2', covers: 'complete' },
      {
        xep: 199,
        version: '2.0.1',
        covers: 'complete',
        note: 'clients that fell silent are pinged',
      },
      { xep: 206, version: '1.4', covers: 'complete' },
      { xep: 368, version: '1.1.0', covers: 'complete', note: 'for clients' },
      { xep: 386, version: '1.1.0', covers: 'complete', note: 'resources are stable' },
      {
        xep: 388,
        version: '1.0.4',
        covers: 'complete',
        note: 'space between the elements of a login is passed over, since clients send it (§2.4)',
      },
      { xep: 480, version: '0.2.0', covers: 'complete', note: 'to SHA-256 and SHA-512' },
      {
        xep: 484,
        version: '0.2.0',
        covers: 'complete',
        note: 'HT-SHA-256 of draft-schmaus-kitten-sasl-ht-09, without early data of TLS',
      },
    ],
  },
  {
    name: 'component',
    specs: [
      { xep: 114, version: '1.6', covers: 'partial', note: 'components connect; rtcd never does' },
    ],
  },
  {
    name: 's2s',
    specs: [
      { xep: 178, version: '1.2', covers: 'partial', note: 'between servers' },
      { xep: 185, version: '1.0', covers: 'complete' },
      {
        xep: 198,
        version: '1.6.3',
        covers: 'complete',
        note: 'between servers; a stream for several pairs of domains is not resumed',
      },
      { xep: 220, version: '1.1.1', covers: 'complete' },
      { xep: 288, version: '1.0.1', covers: 'complete' },
      { xep: 368, version: '1.1.0', covers: 'complete', note: 'between servers' },
    ],
  },
];

const pad = (xep: number): string => `XEP-${String(xep).padStart(4, '0')}`;

/** The name of a specification, such as `XEP-0030` or `RFC 6121`. */
export function specName(spec: Spec): string {
  return 'xep' in spec ? pad(spec.xep) : `RFC ${spec.rfc}`;
}

/** Where a specification can be read. */
function specUri(spec: Spec): string {
  return 'xep' in spec
    ? `https://xmpp.org/extensions/${pad(spec.xep).toLowerCase()}.html`
    : `https://www.rfc-editor.org/rfc/rfc${spec.rfc}.html`;
}

interface Entry {
  readonly name: string;
  readonly spec: Spec;
}

/** RFCs first, each kind by its number; what implements the same by the order of the list. */
function entriesOf(modules: readonly Implementer[]): Entry[] {
  const rank = (spec: Spec) => ('xep' in spec ? 1_000_000 + spec.xep : spec.rfc);
  return [...CORE_SPECS, ...modules]
    .flatMap(({ name, specs }) => specs.map((spec) => ({ name, spec })))
    .sort((a, b) => rank(a.spec) - rank(b.spec));
}

/** All that is implemented, a line for each module and specification. */
export function specLines(modules: readonly Implementer[]): readonly SpecLine[] {
  return entriesOf(modules).map(({ name, spec }) => ({
    name,
    spec: specName(spec),
    version: 'xep' in spec ? spec.version : (spec.sections ?? ''),
    covers: spec.covers,
    note: spec.note ?? '',
  }));
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** docs/conformance.md. */
export function conformanceTable(modules: readonly Implementer[]): string {
  const rows = entriesOf(modules).map(({ name, spec }) => {
    const part = 'xep' in spec ? spec.version : spec.sections && `§ ${spec.sections}`;
    const columns = [
      `[${specName(spec)}](${specUri(spec)})`,
      part ?? '',
      spec.covers,
      `\`${name}\``,
      cell(spec.note ?? ''),
    ];
    return `| ${columns.join(' | ')} |`;
  });
  return `# What rtcd implements

*Complete* is what concerns a server; *partial* says in the note what is there or missing. The last
but one column names the module, or the room in \`src/\`, that has it. This page is derived from
what modules declare; \`UPDATE_DOCS=1 npx vitest run test/docs.test.ts\` writes it anew.

| Specification | Version or sections | Covers | Where | Note |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** docs/rtcd.doap: the same for programs (XEP-0453). */
export function doap(modules: readonly Implementer[]): string {
  const bySpec = new Map<string, Spec[]>();
  for (const { spec } of entriesOf(modules)) {
    const known = bySpec.get(specName(spec));
    if (known === undefined) bySpec.set(specName(spec), [spec]);
    else known.push(spec);
  }
  const implemented = [...bySpec.values()].map(implementsElement).join('\n');
  return `<?xml version='1.0' encoding='UTF-8'?>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'
         xmlns='http://usefulinc.com/ns/doap#'
         xmlns:xmpp='https://linkmauve.fr/ns/xmpp-doap#'>
  <Project>
    <name>${PROGRAM.name}</name>
    <shortdesc xml:lang='en'>An XMPP server with a web console</shortdesc>
    <programming-language>TypeScript</programming-language>
    <os>Linux</os>
    <license rdf:resource='https://spdx.org/licenses/AGPL-3.0-or-later.html'/>
    <category rdf:resource='https://linkmauve.fr/ns/xmpp-doap#category-server'/>

${implemented}
  </Project>
</rdf:RDF>
`;
}

/** One specification, whoever implements its parts. */
function implementsElement(specs: readonly Spec[]): string {
  const [first] = specs;
  if (first === undefined) return '';
  const uri = escapeAttribute(specUri(first));
  if (!('xep' in first)) return `    <implements rdf:resource='${uri}'/>`;
  const notes = specs.flatMap(({ note }) => (note === undefined ? [] : [escapeText(note)]));
  const isComplete = specs.every(({ covers }) => covers === 'complete');
  const note =
    notes.length === 0 ? '' : `\n        <xmpp:note xml:lang='en'>${notes.join('; ')}</xmpp:note>`;
  return `    <implements>
      <xmpp:SupportedXep>
        <xmpp:xep rdf:resource='${uri}'/>
        <xmpp:status>${isComplete ? 'complete' : 'partial'}</xmpp:status>
        <xmpp:version>${escapeText(first.version)}</xmpp:version>${note}
      </xmpp:SupportedXep>
    </implements>`;
}
