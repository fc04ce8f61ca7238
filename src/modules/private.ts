/** XEP-0049: Private XML Storage. */
import { z } from 'zod';
import { count, size } from '../config/fields.ts';
import type { PassedOver } from '../core/intake.ts';
import { onIq, reply } from '../core/iq.ts';
import { defineModule } from '../core/module.ts';
import { type BareJid, type Domain, domainOf } from '../jid/jid.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import type { Store } from '../store/store.ts';
import { payload } from '../xml/codec.ts';
import {
  childrenOf,
  type Element,
  el,
  isNamed,
  NO_NAMESPACE,
  nsOf,
  serialise,
} from '../xml/element.ts';
import { parseElement } from '../xml/parse.ts';

/** `<query/>`, around what is stored. */
export const PrivateQuery = payload('query', 'jabber:iq:private', {});

const config = z.object({
  maxSize: size('64KiB').describe('The largest element that an account may store.'),
  maxElements: count(100).describe('How many elements of different names an account may store.'),
});

/** The name under which something is stored. */
interface Key {
  readonly ns: string;
  readonly name: string;
}

/** What stands in for an element that is stored here, such as bookmarks that are kept elsewhere, too. */
export interface PrivateView {
  isOn(host: Domain): boolean;
  /** What is shown of what is stored. */
  show(account: BareJid, stored: readonly Element[]): Promise<readonly Element[]>;
  /** Something is about to be stored; answers why it is not to be, if it cannot be kept there, too. */
  store(account: BareJid, elements: readonly Element[]): Promise<StanzaFailure | undefined>;
}

/** What other modules may use. */
export interface PrivateApi {
  /** Takes what stands in for the elements of a name. */
  useView(ns: string, name: string, view: PrivateView): void;
  /** Stores an element in place of what was stored under its name. */
  keep(account: BareJid, element: Element): Promise<void>;
  /** What is stored under a name. */
  of(account: BareJid, ns: string, name: string): Promise<readonly Element[]>;
}

interface Tables {
  private_xml: { account: BareJid; ns: string; name: string; xml: string };
}

/** The module. */
export const privateXml = defineModule<z.output<typeof config>, PrivateApi>({
  name: 'private',
  specs: [{ xep: 49, version: '1.2', covers: 'complete' }],
  features: [PrivateQuery.ns],
  accountFeatures: [PrivateQuery.ns],
  config,
  tables: [
    {
      name: 'private XML',
      up: [
        `CREATE TABLE private_xml (
          account TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, xml TEXT NOT NULL,
          PRIMARY KEY (account, ns, name)
        )`,
      ],
    },
  ],
  setup({ configOf, store }) {
    const table = privateTable(store);
    const views = new Map<string, PrivateView>();
    const viewOf = (part: Element, host: Domain) => {
      const view = views.get(`${nsOf(part)} ${part.name}`);
      return view?.isOn(host) === true ? view : undefined;
    };
    const shown = async (account: BareJid, part: Element, host: Domain) => {
      const stored = await table.of(account, part);
      return (await viewOf(part, host)?.show(account, stored)) ?? stored;
    };
    return {
      api: {
        useView: (ns, name, view) => void views.set(`${ns} ${name}`, view),
        keep: (account, element) => table.set(account, groupsOf([element])),
        of: (account, ns, name) => table.of(account, el(name, { xmlns: ns })),
      },
      iq: [
        onIq('get', ['self'], PrivateQuery, async ({ iq, account, host }) => {
          const asked = partsOf(iq.payload);
          const [first] = asked;
          // §2.3: one namespace at a time
          if (first === undefined || asked.some((part) => nsOf(part) !== nsOf(first)))
            return reply.refuse('bad-request');
          if (asked.length > configOf(host).maxElements) return reply.refuse('bad-request');
          if (asked.some(isReserved)) return reply.refuse('not-acceptable');
          const found = await Promise.all(asked.map((part) => shown(account, part, host)));
          return reply.result(el('query', { xmlns: PrivateQuery.ns }, ...found.flat()));
        }),
        onIq('set', ['self'], PrivateQuery, async ({ iq, account, host, session }) => {
          if (session?.isAnonymous === true)
            return reply.refuse('not-allowed', 'An anonymous account stores nothing.');
          const parts = partsOf(iq.payload);
          if (parts.length === 0 || parts.some(isReserved)) return reply.refuse('not-acceptable');
          const groups = groupsOf(parts);
          const { maxSize, maxElements } = configOf(host);
          if (groups.some(({ xml }) => Buffer.byteLength(xml) > maxSize))
            return reply.refuse('policy-violation', `An element may have up to ${maxSize} bytes.`);
          const others = (await table.keysOf(account)).filter((key) => !groups.some(isSame(key)));
          if (others.length + groups.filter(({ isEmpty }) => !isEmpty).length > maxElements)
            return reply.refuse('resource-constraint', `There may be up to ${maxElements}.`);
          for (const { first, same } of groups) {
            const refused = await viewOf(first, host)?.store(account, same);
            if (refused !== undefined) return { kind: 'refuse', failure: refused };
          }
          await table.set(account, groups);
          return reply.result();
        }),
        // §2.3: another's; of the two conditions that are allowed the preferable one. The same whether
        // there is such an account or not.
        onIq('get', ['account', 'nobody'], PrivateQuery, () => reply.refuse('forbidden')),
        onIq('set', ['account', 'nobody'], PrivateQuery, () => reply.refuse('forbidden')),
      ],
      hooks: {
        async *exported(account) {
          const found: Element[] = [];
          for (const { ns, name } of await table.keysOf(account))
            found.push(...(await table.of(account, el(name, { xmlns: ns }))));
          if (found.length > 0) yield serialise(el('query', { xmlns: PrivateQuery.ns }, ...found));
        },
        async imported({ account, isNew, isDry }, { within, elements }) {
          const [holder] = within;
          if (holder === undefined || !isNamed(holder, 'query', PrivateQuery.ns)) return undefined;
          const { maxSize, maxElements } = configOf(domainOf(account));
          const passed: PassedOver[] = [];
          const known = await table.keysOf(account);
          const groups = groupsOf(elements.filter((each) => !isReserved(each)));
          const wanted = groups.filter((group) => {
            const isHere = known.some(isSame(group));
            const why = refusal(group, isHere);
            if (why !== undefined)
              passed.push({ what: `<${group.name} xmlns="${group.ns}"/>`, why });
            else if (!isHere) known.push(group);
            return why === undefined;
          });
          for (const each of elements.filter(isReserved))
            passed.push({ what: `<${each.name}/>`, why: 'its namespace is none for private data' });
          if (!isDry) await table.set(account, wanted);
          return { kind: 'private elements', taken: wanted.length, passed };

          function refusal({ xml }: Group, isHere: boolean): string | undefined {
            if (Buffer.byteLength(xml) > maxSize) return `it has more than ${maxSize} bytes`;
            if (isHere) return isNew ? undefined : 'there is one already';
            return known.length >= maxElements ? `there may be up to ${maxElements}` : undefined;
          }
        },
        accountRemoved: (account) => table.removeAll(account),
      },
    };
  },
});

const partsOf = (query: Element | undefined): Element[] =>
  query === undefined ? [] : childrenOf(query);

const isSame = (one: Key) => (other: Key) => one.ns === other.ns && one.name === other.name;

/** What has no namespace of its own, or one that XMPP itself uses (§2.3, §3). */
function isReserved(part: Element): boolean {
  const ns = nsOf(part);
  if (ns === NO_NAMESPACE || ns === 'vcard-temp') return true;
  return ns.startsWith('jabber:') || ns.startsWith('http://jabber.org/');
}

/** What one row holds: all elements of a name, in a query. */
interface Group extends Key {
  readonly first: Element;
  readonly same: readonly Element[];
  readonly xml: string;
  /** Such as what is answered where nothing is stored: it need not be stored. */
  readonly isEmpty: boolean;
}

function groupsOf(parts: readonly Element[]): Group[] {
  const byKey = new Map<string, { first: Element; same: Element[] }>();
  for (const part of parts) {
    const key = `${nsOf(part)} ${part.name}`;
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { first: part, same: [part] });
    else known.same.push(part);
  }
  return [...byKey.values()].map(({ first, same }) => {
    const isEmpty = same.length === 1 && serialise(first) === serialise(emptyOf(first));
    const xml = serialise(el('query', { xmlns: PrivateQuery.ns }, ...same));
    return { ns: nsOf(first), name: first.name, first, same, xml, isEmpty };
  });
}

const emptyOf = (part: Element): Element => el(part.name, { xmlns: nsOf(part) });

function privateTable(store: Store) {
  const db = store.tables<Tables>();
  const at = (account: BareJid, { ns, name }: Key) =>
    db
      .deleteFrom('private_xml')
      .where('account', '=', account)
      .where('ns', '=', ns)
      .where('name', '=', name);
  return {
    /** What is stored under the name of an element; that element, empty, if nothing is. */
    async of(account: BareJid, part: Element): Promise<Element[]> {
      const row = await store.first(
        db
          .selectFrom('private_xml')
          .select('xml')
          .where('account', '=', account)
          .where('ns', '=', nsOf(part))
          .where('name', '=', part.name),
      );
      const parsed = row === undefined ? undefined : parseElement(row.xml);
      return parsed?.ok === true ? childrenOf(parsed.element) : [emptyOf(part)];
    },
    keysOf: (account: BareJid): Promise<Key[]> =>
      store.read(
        db.selectFrom('private_xml').select(['ns', 'name']).where('account', '=', account),
      ),
    async set(account: BareJid, groups: readonly Group[]): Promise<void> {
      const full = groups.filter(({ isEmpty }) => !isEmpty);
      await store.write(
        ...groups.map((group) => at(account, group)),
        ...full.map(({ ns, name, xml }) =>
          db.insertInto('private_xml').values({ account, ns, name, xml }),
        ),
      );
    },
    async removeAll(account: BareJid): Promise<void> {
      await store.write(db.deleteFrom('private_xml').where('account', '=', account));
    },
  };
}
