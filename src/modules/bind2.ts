/**
 * XEP-0386 §3.2: a client that binds while it logs in reads what it missed from the archive. It is told
 * the state of the archive, and is not given again what was kept for it.
 */
import { defineModule } from '../core/module.ts';
import type { BareJid } from '../jid/jid.ts';
import { stanzaIdOf } from '../stanza/stanza-id.ts';
import { readStored } from '../stanza/stored.ts';
import { archive } from './archive/index.ts';
import { type OfflineApi, offline } from './offline/index.ts';

const MAM = 'urn:xmpp:mam:2';

/** The module. */
export const bind2 = defineModule({
  name: 'bind2',
  specs: [
    {
      xep: 386,
      version: '1.1.0',
      covers: 'partial',
      note: 'the state of the archive; what was kept and is archived is not given again',
    },
  ],
  needs: ['archive', 'offline'],
  setup(home) {
    const [archives, mailbox] = [home.use(archive), home.use(offline)];
    return {
      bindFeatures: [
        {
          announced: undefined,
          ns: MAM,
          async bind({ account, isAnonymous }) {
            if (isAnonymous) return undefined;
            // In this order: what is cleared stands before the end of the archive that is told.
            const read = await archived(mailbox, account);
            const metadata = await archives.metadata(account);
            await mailbox.discard(account, read);
            return metadata;
          },
        },
      ],
    };
  },
});

/** What waits for an account and stands in its archive; the rest is given to it as ever. */
async function archived(
  { waiting }: Pick<OfflineApi, 'waiting'>,
  account: BareJid,
): Promise<readonly { readonly id: number; readonly bytes: number }[]> {
  const rows: { readonly id: number; readonly bytes: number }[] = [];
  for await (const { id, bytes, stanza } of waiting(account)) {
    const message = readStored(stanza);
    const isArchived = message?.kind === 'message' && stanzaIdOf(message, account) !== undefined;
    if (isArchived) rows.push({ id, bytes });
  }
  return rows;
}
