/** What a user's clients ask of his archive; nobody else may ask anything (XEP-0313 §8.1). */
import { type IqRequest, type IqRoute, onIq, type Reply, reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import type { ArchiveParts } from './api.ts';
import { finElement, Metadata, metadataElement, Prefs, prefsElement, Query } from './payloads.ts';
import { getPrefs, setPrefs } from './prefs.ts';
import type { ArchiveSettings } from './settings.ts';

/** A request of a session of the account whose archive it is. */
type Own<T> = IqRequest<T> & { readonly session: Session };

/** Makes the handlers. */
export function archiveRequests(
  home: Home<ArchiveSettings>,
  { api, archives }: ArchiveParts,
): readonly IqRoute[] {
  const own =
    <T>(handle: (request: Own<T>) => Promise<Reply> | Reply, forGuest: () => Reply) =>
    (request: IqRequest<T>) => {
      const { session } = request;
      if (session === undefined) return reply.refuse('forbidden');
      return session.isAnonymous ? forGuest() : handle({ ...request, session });
    };
  const forbidden = () => reply.refuse('forbidden');
  const others = ['account', 'nobody'] as const; // whether there is such an account is not told
  return [
    onIq(
      'set',
      ['self'],
      Query,
      own(
        async ({ iq, account, session }) => {
          if (iq.payload === undefined) return reply.refuse('bad-request');
          await session.pace(); // or pages that are asked for at once would be too much to be sent
          return api.answer(account, iq.payload, session.jid, (message) => session.send(message));
        },
        () => EMPTY_PAGE(),
      ),
    ),
    onIq('get', ['self'], Query, ({ account }) => reply.result(api.form(account))),
    onIq(
      'get',
      ['self'],
      Metadata,
      own(
        async ({ account }) => reply.result(await api.metadata(account)),
        () => reply.result(metadataElement(undefined, () => '')),
      ),
    ),
    onIq(
      'get',
      ['self'],
      Prefs,
      own(
        async ({ account, host }) => {
          return getPrefs(await archives.of(account), home.configOf(host));
        },
        () => reply.result(prefsElement({ default: 'never', always: [], never: [] })),
      ),
    ),
    onIq(
      'set',
      ['self'],
      Prefs,
      own(
        async ({ payload, account, host }) => {
          return setPrefs(payload, archives, await archives.of(account), home.configOf(host));
        },
        () => reply.refuse('forbidden', 'Nothing is archived for guests.'),
      ),
    ),
    ...(['get', 'set'] as const).flatMap((type) => [
      onIq(type, others, Query, forbidden),
      onIq(type, others, Prefs, forbidden),
    ]),
    onIq('get', others, Metadata, forbidden),
  ];
}

/** What is answered to a guest, whose archive is always empty. */
const EMPTY_PAGE = (): Reply =>
  reply.result(finElement({ report: { count: 0 }, isComplete: true, isUnstable: false }));
