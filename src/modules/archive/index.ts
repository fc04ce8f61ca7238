/**
 * XEP-0313: Message Archive Management, with XEP-0441 for what users want of it. The archive itself is
 * for owners of any kind; here are those of accounts.
 */
import { defineModule } from '../../core/module.ts';
import { RSM } from '../../stanza/rsm.ts';
import { STANZA_IDS } from '../../stanza/stanza-id.ts';
import { roster } from '../roster/index.ts';
import { type ArchiveApi, createArchiveParts } from './api.ts';
import { exportedArchive } from './exporting.ts';
import { importedArchive } from './importing.ts';
import { archiveMigrations } from './messages.ts';
import { MAM, MAM_EXTENDED, MAM_GROUPCHAT_FIELD } from './payloads.ts';
import { createRecording } from './recording.ts';
import { archiveRequests } from './requests.ts';
import { type ArchiveSettings, archiveConfig } from './settings.ts';
import { startSweeper } from './sweeper.ts';

export type { ArchiveApi, SearchableText } from './api.ts';
export type { Entry, Reserved } from './archives.ts';
export type { Browsed, BrowsePage, BrowseWish } from './browsing.ts';
export type { Owner } from './owners.ts';
export type { Search } from './search.ts';
export type { ArchiveFigures, ArchiveService, Finding } from './service.ts';

/** XEP-0424 §2: of servers that keep retractions. */
const RETRACTION = 'urn:xmpp:message-retract:1';

/** The module. */
export const archive = defineModule<ArchiveSettings, ArchiveApi>({
  name: 'archive',
  specs: [
    { xep: 59, version: '1.0', covers: 'complete', note: 'in archives' },
    { xep: 297, version: '1.0', covers: 'complete', note: 'of archived messages' },
    {
      xep: 313,
      version: '1.1.3',
      covers: 'complete',
      note: 'groupchat is left to the archives of rooms',
    },
    { xep: 334, version: '1.0.0', covers: 'partial', note: 'no-permanent-store, store' },
    { xep: 359, version: '0.7.0', covers: 'complete', note: 'of messages that are archived' },
    { xep: 424, version: '0.4.2', covers: 'complete', note: 'kept; without tombstones' },
    { xep: 441, version: '0.2.0', covers: 'complete' },
  ],
  needs: ['roster'],
  features: [RETRACTION],
  accountFeatures: [MAM, MAM_EXTENDED, MAM_GROUPCHAT_FIELD, RSM, STANZA_IDS, RETRACTION],
  config: archiveConfig,
  tables: archiveMigrations,
  setup(home) {
    const parts = createArchiveParts(home);
    const { archives, keepMs } = parts;
    const { asSent, fromAccount, toAccount } = createRecording(home, archives, home.use(roster));
    const { store, clock, log } = home;
    const sweeper = startSweeper({ archives, keepMs, store, clock, log });
    return {
      api: parts.api,
      iq: archiveRequests(home, parts),
      hooks: {
        fromAccount,
        asSent,
        toAccount,
        exported: (account) => exportedArchive(archives, account),
        imported: (newcomer, portion) => importedArchive(archives, clock.now(), newcomer, portion),
        async accountRemoved(account) {
          await parts.api.remove(account);
          sweeper.wake();
        },
      },
      stop: () => sweeper.stop(),
    };
  },
});
