/** XEP-0431: Full Text Search in MAM. */
import { defineModule } from '../../core/module.ts';
import { archive } from '../archive/index.ts';
import { createIndexer } from './indexer.ts';
import { createTextTable, textMigrations } from './table.ts';
import { expressionOf } from './words.ts';

/** The module. */
export const fulltext = defineModule({
  name: 'fulltext',
  specs: [{ xep: 431, version: '0.2.0', covers: 'complete' }],
  needs: ['archive'],
  accountFeatures: ['urn:xmpp:fulltext:0'],
  tables: textMigrations,
  setup(home) {
    const archives = home.use(archive);
    const { store, clock, log } = home;
    const table = createTextTable(store);
    const indexer = createIndexer({ table, texts: archives.texts, store, clock, log });
    archives.useSearch({
      isOn: (host) => home.isEnabled(host),
      kept: indexer.note,
      adopted: indexer.restart,
      catchUp: indexer.catchUp,
      matching({ token }, text) {
        const expression = expressionOf(text);
        return expression === undefined ? undefined : table.matching(token, expression);
      },
    });
    return { stop: indexer.stop };
  },
});
