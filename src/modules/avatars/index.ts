/**
 * XEP-0398: pictures of users that are published in a node (XEP-0084) are seen in their vCards by whoever
 * may read the node, and those in vCards are published. What a client does not say of them in its presence
 * the server says for it (XEP-0153).
 */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { defineModule } from '../../core/module.ts';
import type { BareJid, Jid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { type Presence, withChildren } from '../../stanza/stanza.ts';
import { childOf, type Element, el, textOf } from '../../xml/element.ts';
import { pubsub } from '../pubsub/index.ts';
import { vcard } from '../vcard.ts';
import {
  DATA,
  dataElement,
  dataIn,
  hashOf,
  infoIn,
  METADATA,
  metadataElement,
  type Photo,
  photoIn,
  withPhoto,
} from './photo.ts';

/** XEP-0153. */
const UPDATE = 'vcard-temp:x:update';
/** Accounts of which it is known whether they have a picture. */
const CACHED_HASHES = 20_000;
/** The id of the item that says that there is no picture. */
const NONE = 'none';

/** The module. */
export const avatars = defineModule({
  name: 'avatars',
  specs: [
    { xep: 84, version: '1.1.4', covers: 'complete', note: 'kept and told as any item' },
    { xep: 153, version: '1.1.1', covers: 'complete', note: 'by XEP-0398' },
    { xep: 398, version: '1.0.0', covers: 'complete', note: 'both ways' },
  ],
  needs: ['pubsub', 'vcard'],
  accountFeatures: ['urn:xmpp:pep-vcard-conversion:0'],
  setup(home) {
    const nodes = home.use(pubsub);
    const cards = home.use(vcard);
    /** '' for an account without a picture. */
    const hashes = new BoundedMap<BareJid, string>(CACHED_HASHES);

    /** The published picture; undefined where nothing was published, null if it was taken away. */
    const published = async (account: BareJid): Promise<Photo | undefined | null> => {
      const metadata = await nodes.last(account, METADATA);
      if (metadata === undefined) return undefined;
      const info = infoIn(metadata.payload);
      if (info === undefined) return null;
      const data = await nodes.item(account, DATA, info.id);
      return data === undefined ? null : (dataIn(data.payload, info.id, info.type) ?? null);
    };

    const lookUp = async (account: BareJid): Promise<string> => {
      const photo = await published(account);
      if (photo !== undefined) return photo === null ? '' : hashOf(photo.bytes);
      const card = await cards.of(account);
      const own = card === undefined ? undefined : photoIn(card);
      return own === undefined ? '' : hashOf(own.bytes);
    };

    let changes = 0;
    const forget = (account: BareJid) => {
      changes += 1;
      hashes.delete(account);
    };
    const currentHash = (account: BareJid): MaybePromise<string> => {
      const known = hashes.get(account);
      if (known !== undefined) return known;
      const before = changes;
      return lookUp(account).then((hash) => {
        if (changes === before) hashes.set(account, hash); // else it may be an old one
        return hash;
      });
    };

    /**
     * Where a node does not take the picture of the vCard, the one before it is none any more. Of nodes that
     * are not for all it stays: the vCard would show the new one to all.
     */
    const withdraw = async (account: BareJid) => {
      if ((await nodes.node(account, METADATA))?.config.accessModel !== 'open') return;
      for (const { id } of (await nodes.items(account, METADATA)) ?? [])
        await nodes.retract(account, METADATA, id);
    };

    nodes.onChange(({ service, node }) => {
      if (node === METADATA || node === DATA) forget(service);
    });

    /** A vCard was stored: its picture is published, or withdrawn with it. */
    const stored = async (account: BareJid, card: Element | undefined) => {
      const photo = card === undefined ? undefined : photoIn(card);
      forget(account);
      const before = await published(account);
      if (photo === undefined) {
        // A vCard that has lost its picture: there is none any more.
        if (before !== undefined && before !== null)
          await nodes.publish(account, METADATA, {
            id: NONE,
            payload: metadataElement(undefined),
          });
        return;
      }
      const id = hashOf(photo.bytes);
      if (before !== undefined && before !== null && hashOf(before.bytes) === id) return;
      // §3.2: the picture first. A vCard is for everybody; nodes that are there stay as they are.
      const config = { accessModel: 'open' } as const;
      const put = (node: string, payload: Element) =>
        nodes.publish(account, node, { id, payload }, { config });
      const refused =
        (await put(DATA, dataElement(photo))) ?? (await put(METADATA, metadataElement(photo)));
      if (refused !== undefined && before !== undefined) await withdraw(account);
    };

    cards.usePhotos({
      isOn: home.isEnabled,
      async shown(card: Element | undefined, account: BareJid, asker: Jid) {
        const photo = await published(account);
        if (photo === undefined) return card;
        const isSeen =
          (await nodes.isReadable(account, METADATA, asker)) &&
          (await nodes.isReadable(account, DATA, asker));
        return withPhoto(card, isSeen ? (photo ?? undefined) : undefined);
      },
      stored,
      async imported(account, card) {
        // What is in nodes is newer: there vCards have their pictures from (§3.1).
        if (photoIn(card) === undefined || (await published(account)) !== undefined) return;
        await stored(account, card);
      },
    });

    return {
      hooks: {
        fromAccount(stanza, session): MaybePromise<Verdict> {
          if (stanza.kind !== 'presence' || stanza.type !== 'available') return verdict.pass;
          const hash = currentHash(session.account);
          return hash instanceof Promise
            ? hash.then((late) => withHash(stanza, late))
            : withHash(stanza, hash);
        },
        accountRemoved: async (account) => forget(account),
      },
    };
  },
});

/** §4: a presence with the hash of the picture, unless it says that none is to be shown. */
function withHash(stanza: Presence, hash: string): Verdict {
  if (hash === '') return verdict.pass;
  const update = childOf(stanza.element, 'x', UPDATE);
  const photo = update === undefined ? undefined : childOf(update, 'photo', UPDATE);
  const said = photo === undefined ? undefined : textOf(photo).trim();
  if (said === '' || said === hash) return verdict.pass;
  const others = stanza.element.children.filter((child) => child !== update);
  const own = el('x', { xmlns: UPDATE }, el('photo', undefined, hash));
  return verdict.passAs(withChildren(stanza, [...others, own]));
}
