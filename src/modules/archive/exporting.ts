/** An archive as XEP-0227 §4.11 has it, a page at a time. */
import type { BareJid } from '../../jid/jid.ts';
import type { Archives } from './archives.ts';
import { resultText } from './results.ts';

/** Messages that are read at a time. */
const PAGE = 100;

/** The archive of an account, oldest first. */
export async function* exportedArchive(
  archives: Archives,
  account: BareJid,
): AsyncIterable<string> {
  const owner = await archives.of(account);
  await archives.flushed();
  yield '<archive xmlns="urn:xmpp:pie:0#mam">';
  for (let after = 0; ; ) {
    const page = await archives.messages.page(owner.token, { after }, 'beginning', PAGE);
    for (const message of page) {
      after = message.serial;
      yield resultText(message, archives.uidOf(owner, message), undefined);
    }
    if (page.length < PAGE) break;
  }
  yield '</archive>';
}
