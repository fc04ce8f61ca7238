/** Says to users what admins have to say: at once, or when they come. */
import { isReady } from '../../core/delivery.ts';
import type { Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, type Domain, domainOf } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { message } from '../../stanza/build.ts';
import { el } from '../../xml/element.ts';
import { createStandingTable, type StandingKind, type StandingMessage } from './table.ts';

/** After so many users others have their turn. */
const SLICE = 100;

/** Sends announcements. All that is asynchronous may reject with a StoreError. */
export interface Announcer {
  /** To all who are online at some hosts (§4.23); answers how many users that are. */
  announce(hosts: readonly Domain[], text: string, subject: string): Promise<number>;
  /** The message that stands for a host. */
  standing(host: Domain, kind: StandingKind): Promise<StandingMessage | undefined>;
  /** Puts a message in the place of the one that stood; those who are online have it at once. */
  set(host: Domain, kind: StandingKind, text: string): Promise<number>;
  /** Corrects it: who had it is not told again. False where none stands. */
  correct(host: Domain, kind: StandingKind, text: string): Promise<boolean>;
  /** Takes it away; false where none stands. */
  remove(host: Domain, kind: StandingKind): Promise<boolean>;
  /** A user has become available. */
  came(session: Session): Promise<void>;
  forget(account: BareJid): Promise<void>;
}

/** Makes it; what stands is read when first asked for. */
export function createAnnouncer(home: Home<undefined>): Announcer {
  const { accounts, clock, sessions } = home;
  const table = createStandingTable(home.store);
  let ready: Map<string, StandingMessage> | undefined;
  let loading: Promise<Map<string, StandingMessage>> | undefined;
  const keyOf = (host: Domain, kind: StandingKind) => `${kind} ${host}`;
  const loaded = () => {
    if (ready !== undefined) return ready;
    loading ??= table
      .all()
      .then((all) => {
        ready = new Map(all.map((each) => [keyOf(each.host, each.kind), each]));
        return ready;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };

  /** The users of a host who are there and can be shown something. */
  const online = (hosts: readonly Domain[]): BareJid[] => {
    const found = new Set<BareJid>();
    for (const session of sessions.all())
      if (hosts.includes(session.host) && isThere(session)) found.add(session.account);
    return [...found];
  };
  const each = async (all: readonly BareJid[], send: (account: BareJid) => unknown) => {
    for (const [index, account] of all.entries()) {
      await send(account);
      if (index % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };

  /** What is of the moment is no message of a conversation (RFC 6121 §5.2.2). */
  const tell = (host: Domain, to: BareJid, text: string, subject = '') =>
    home.route(
      message({
        type: 'headline',
        id: randomId(),
        from: host,
        to,
        children: [
          subject !== '' && el('subject', undefined, subject),
          el('body', undefined, text),
        ],
      }),
    );
  /** A welcome is to be found again: it is kept as any message is. */
  const greet = (host: Domain, to: BareJid, text: string) =>
    home.route(
      message({ id: randomId(), from: host, to, children: [el('body', undefined, text)] }),
    );

  const hand = async (account: BareJid, standing: StandingMessage) => {
    // Noted first: two clients that come at the same moment are one user.
    if (!(await table.note(account, standing))) return;
    const { host, kind, text } = standing;
    await (kind === 'motd' ? tell : greet)(host, account, text);
  };
  const put = async (standing: StandingMessage) => {
    await table.set(standing);
    (await loaded()).set(keyOf(standing.host, standing.kind), standing);
  };

  return {
    async announce(hosts, text, subject) {
      const all = online(hosts);
      await each(all, (account) => tell(domainOf(account), account, text, subject));
      return all.length;
    },
    standing: async (host, kind) => (await loaded()).get(keyOf(host, kind)),
    async set(host, kind, text) {
      const standing = { host, kind, id: randomId(), text, since: clock.now() };
      await put(standing);
      if (kind === 'welcome') return 0;
      const all = online([host]);
      await each(all, (account) => hand(account, standing));
      return all.length;
    },
    async correct(host, kind, text) {
      const standing = (await loaded()).get(keyOf(host, kind));
      if (standing === undefined) return false;
      await put({ ...standing, text });
      return true;
    },
    async remove(host, kind) {
      const all = await loaded();
      if (!all.has(keyOf(host, kind))) return false;
      await table.remove(host, kind);
      return all.delete(keyOf(host, kind));
    },
    async came(session) {
      const { host, account } = session;
      const all = await loaded();
      const welcome = all.get(keyOf(host, 'welcome'));
      if (welcome !== undefined) {
        const found = await accounts.get(account);
        // Who was a user before there was a welcome is no new one.
        if (found !== undefined && found.created >= welcome.since) await hand(account, welcome);
      }
      const motd = all.get(keyOf(host, 'motd'));
      if (motd !== undefined) await hand(account, motd);
    },
    forget: table.forget,
  };
}

/** Whether a session is one to which messages of its account go. */
export const isThere = (session: Session): boolean => !session.isAnonymous && isReady(session);
