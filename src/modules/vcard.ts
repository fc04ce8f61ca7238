/** XEP-0054: vcard-temp. */

import { z } from 'zod';
import { size } from '../config/fields.ts';
import type { Newcomer } from '../core/intake.ts';
import { type IqRequest, onIq, reply } from '../core/iq.ts';
import { defineModule } from '../core/module.ts';
import { type BareJid, type Domain, domainOf, type Jid } from '../jid/jid.ts';
import type { Store } from '../store/store.ts';
import { payload } from '../xml/codec.ts';
import { type Element, isNamed, serialise } from '../xml/element.ts';
import { parseElement } from '../xml/parse.ts';

/** `<vCard/>`; what is in it is the users' affair. */
export const VCard = payload('vCard', 'vcard-temp', {});

const config = z.object({
  // A photo of the usual size fits; what a client may send at all is in the server's limits.
  maxSize: size('256KiB').describe('The largest vCard that an account may store.'),
});

/** Photos that are kept elsewhere (XEP-0084), and shown in vCards (XEP-0398). */
export interface Photos {
  isOn(host: Domain): boolean;
  /** The vCard as somebody sees it: with the photo that he may see. */
  shown(card: Element | undefined, account: BareJid, asker: Jid): Promise<Element | undefined>;
  /** A vCard was stored; undefined if it was removed. */
  stored(account: BareJid, card: Element | undefined): Promise<void>;
  /** A vCard has come from another server: its photo is as if stored, where there is none elsewhere. */
  imported(account: BareJid, card: Element): Promise<void>;
}

/** What other modules may use. */
export interface VCardApi {
  usePhotos(photos: Photos): void;
  /** The vCard as it is stored. */
  of(account: BareJid): Promise<Element | undefined>;
}

interface Tables {
  vcards: { account: BareJid; xml: string };
}

/** The module. */
export const vcard = defineModule<z.output<typeof config>, VCardApi>({
  name: 'vcard',
  specs: [{ xep: 54, version: '1.3.0', covers: 'complete', note: 'servers have none themselves' }],
  features: [VCard.ns],
  accountFeatures: [VCard.ns],
  config,
  tables: [
    {
      name: 'vCards',
      up: ['CREATE TABLE vcards (account TEXT PRIMARY KEY, xml TEXT NOT NULL)'],
    },
  ],
  setup({ configOf, store }) {
    const cards = cardTable(store);
    let photos: Photos | undefined;
    /** The vCards of those of whom there may be more to come. */
    const came = new WeakMap<Newcomer, Element>();
    const shown = async ({ account, from, host }: IqRequest<unknown>) => {
      const card = await cards.of(account);
      return photos?.isOn(host) === true ? photos.shown(card, account, from) : card;
    };
    return {
      api: {
        usePhotos(brought) {
          if (photos !== undefined) throw new Error('there are photos already');
          photos = brought;
        },
        of: cards.of,
      },
      iq: [
        onIq('get', ['self'], VCard, async (request) => {
          const card = await shown(request);
          return card === undefined ? reply.refuse('item-not-found') : reply.result(card); // §3.1
        }),
        onIq('get', ['account'], VCard, async (request) => {
          const card = await shown(request);
          // §3.3: the same as where there is no such account
          return card === undefined ? reply.refuse('service-unavailable') : reply.result(card);
        }),
        onIq('set', ['self'], VCard, async ({ iq, account, host, session }) => {
          if (session?.isAnonymous === true)
            return reply.refuse('not-allowed', 'An anonymous account keeps no vCard.');
          const xml = iq.payload === undefined ? '' : serialise(iq.payload);
          const { maxSize } = configOf(host);
          if (Buffer.byteLength(xml) > maxSize)
            return reply.refuse('policy-violation', `A vCard may have up to ${maxSize} bytes.`);
          const isEmpty = iq.payload === undefined || iq.payload.children.length === 0;
          await (isEmpty ? cards.remove(account) : cards.set(account, xml));
          if (photos?.isOn(host) === true)
            await photos.stored(account, isEmpty ? undefined : iq.payload);
          return reply.result();
        }),
        // §3.2; the same whether there is such an account or not.
        onIq('set', ['account', 'nobody'], VCard, () => reply.refuse('forbidden')),
      ],
      hooks: {
        async *exported(account) {
          const card = await cards.of(account);
          if (card !== undefined) yield serialise(card);
        },
        async imported(newcomer, { within, elements }) {
          const { account, isNew, isDry } = newcomer;
          const [card] = elements;
          if (within.length > 0 || card === undefined || !isNamed(card, 'vCard', VCard.ns))
            return undefined;
          const xml = serialise(card);
          const { maxSize } = configOf(domainOf(account));
          const refuse = (why: string) => {
            return { kind: 'vCards', taken: 0, passed: [{ what: 'the vCard', why }] };
          };
          if (elements.length > 1) return refuse('there are several');
          if (Buffer.byteLength(xml) > maxSize) return refuse(`it has more than ${maxSize} bytes`);
          if (!isNew && (await cards.of(account)) !== undefined)
            return refuse('there is one already');
          if (!isDry) {
            await cards.set(account, xml);
            came.set(newcomer, card);
          }
          return { kind: 'vCards', taken: 1, passed: [] };
        },
        async importEnded(newcomer) {
          const { account } = newcomer;
          const card = came.get(newcomer);
          if (card !== undefined && photos?.isOn(domainOf(account)) === true)
            await photos.imported(account, card);
        },
        accountRemoved: (account) => cards.remove(account),
      },
    };
  },
});

function cardTable(store: Store) {
  const db = store.tables<Tables>();
  return {
    async of(account: BareJid): Promise<Element | undefined> {
      const query = db.selectFrom('vcards').select('xml').where('account', '=', account);
      const row = await store.first(query);
      const parsed = row === undefined ? undefined : parseElement(row.xml);
      return parsed?.ok === true ? parsed.element : undefined;
    },
    async set(account: BareJid, xml: string): Promise<void> {
      const insert = db.insertInto('vcards').values({ account, xml });
      await store.write(insert.onConflict((at) => at.column('account').doUpdateSet({ xml })));
    },
    async remove(account: BareJid): Promise<void> {
      await store.write(db.deleteFrom('vcards').where('account', '=', account));
    },
  };
}
