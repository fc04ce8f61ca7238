/**
 * The modules, in the order in which they are set up and in which their hooks see a stanza. The parts
 * of RFC 6121 stand first: others need the roster, and what it and presence decide holds for all. What is
 * blocked is not seen by those after them. The archive comes after whatever may refuse a message, and before
 * what passes it on: that has the ids that the archive gives. Carbons stand before offline messages, which are kept for who has no copy
 * either, and before push, which wakes who has none.
 * disco stands before those that add to it, and nodes before what keeps something in them, some of which
 * changes messages before they are archived; the rest only answers IQs, so that its order is the
 * alphabet's.
 */
import type { AnyModule } from '../core/module.ts';
import { announcements } from './announcements/index.ts';
import { archive } from './archive/index.ts';
import { avatars } from './avatars/index.ts';
import { bind2 } from './bind2.ts';
import { blocking } from './blocking/index.ts';
import { bookmarks } from './bookmarks/index.ts';
import { caps } from './caps/index.ts';
import { carbons } from './carbons/index.ts';
import { clients } from './clients.ts';
import { commands } from './commands/index.ts';
import { contact } from './contact.ts';
import { csi } from './csi/index.ts';
import { disco } from './disco/index.ts';
import { displayed } from './displayed.ts';
import { fulltext } from './fulltext/index.ts';
import { groupRooms } from './group-rooms/index.ts';
import { groups } from './groups/index.ts';
import { guests } from './guests.ts';
import { hostMeta } from './host-meta.ts';
import { invitations } from './invitations/index.ts';
import { last } from './last.ts';
import { limits } from './limits.ts';
import { muc } from './muc/index.ts';
import { offline } from './offline/index.ts';
import { offlineRetrieval } from './offline-retrieval.ts';
import { ping } from './ping.ts';
import { portable } from './portable/index.ts';
import { presence } from './presence/index.ts';
import { privateXml } from './private.ts';
import { pubsub } from './pubsub/index.ts';
import { push } from './push/index.ts';
import { register } from './register/index.ts';
import { roster } from './roster/index.ts';
import { serverInfo } from './server-info/index.ts';
import { session } from './session.ts';
import { streamManagement } from './stream-management.ts';
import { time } from './time.ts';
import { upload } from './upload/index.ts';
import { vcard } from './vcard.ts';
import { version } from './version.ts';
import { webClient } from './web-client/index.ts';

/** All modules. */
export const modules: readonly AnyModule[] = [
  roster,
  presence,
  blocking,
  guests,
  disco,
  caps,
  pubsub,
  displayed,
  archive,
  fulltext,
  carbons,
  offline,
  announcements,
  bind2,
  clients,
  contact,
  csi,
  groups,
  hostMeta,
  last,
  limits,
  offlineRetrieval,
  muc,
  ping,
  privateXml,
  bookmarks,
  groupRooms,
  push,
  register,
  portable,
  commands,
  invitations,
  session,
  streamManagement,
  time,
  upload,
  vcard,
  avatars,
  version,
  serverInfo,
  webClient,
];
