/** Messages that waited on another server (XEP-0227 §4.5). */
import type { Intake, Newcomer, PassedOver, Portion } from '../../core/intake.ts';
import type { Home } from '../../core/module.ts';
import { bareOf, type Domain, domainOf, parseJid } from '../../jid/jid.ts';
import { Delay } from '../../stanza/delay.ts';
import { readStanza } from '../../stanza/stanza.ts';
import { childrenOf, type Element, isNamed } from '../../xml/element.ts';
import { keptForm, worthOf } from './keeping.ts';
import type { Kept, Spool, SpoolLimits } from './spool.ts';

/** Messages that are compared at a time. */
const PAGE = 250;

/** Takes them in; undefined for what is no such message. One that waits already is not kept twice. */
export async function importedMessages(
  home: Pick<Home<SpoolLimits>, 'configOf' | 'clock'>,
  spool: Spool,
  { account, isDry }: Newcomer,
  { within, elements }: Portion,
): Promise<Intake | undefined> {
  if (within[0]?.name !== 'offline-messages' || within.length > 1) return undefined;
  const passed: PassedOver[] = [];
  const limits = home.configOf(domainOf(account));
  const waiting = await textsOf(spool, account);
  const written: Promise<unknown>[] = [];
  let taken = 0;
  for (const element of elements) {
    const kept = readMessage(element, account, home.clock.now());
    const what = `a message from ${element.attrs['from'] ?? 'nobody'}`;
    if (typeof kept === 'string') {
      passed.push({ what, why: kept });
      continue;
    }
    if (isDry || waiting.has(kept.stanza)) {
      taken += 1;
      continue;
    }
    const added = await spool.add(account, kept, limits);
    if (added === undefined)
      passed.push({ what, why: 'no more messages are kept for the account' });
    else {
      written.push(added.written);
      taken += 1;
    }
  }
  await Promise.all(written);
  return { kind: 'offline messages', taken, passed };
}

async function textsOf(spool: Spool, account: Newcomer['account']): Promise<ReadonlySet<string>> {
  const texts = new Set<string>();
  for (let after = 0; ; ) {
    const page = await spool.next(account, after, PAGE);
    for (const { id, stanza } of page) {
      texts.add(stanza);
      after = id;
    }
    if (page.length < PAGE) return texts;
  }
}

/** A message as it is kept; why it cannot be, if it cannot. */
function readMessage(element: Element, account: Newcomer['account'], now: number): Kept | string {
  if (!isNamed(element, 'message', '')) return 'it is no message';
  const from = parseJid(element.attrs['from'] ?? '');
  if (!from.ok) return `its sender is none: ${from.why}`;
  const to = parseJid(element.attrs['to'] ?? account);
  if (!to.ok || bareOf(to.value) !== account) return 'it is to somebody else';
  const stamp = stampIn(element, domainOf(account));
  const read = readStanza(element, { from: from.value, defaultTo: account });
  if (!read.ok || read.stanza.kind !== 'message') return 'it is no message that can be delivered';
  if (worthOf(read.stanza) !== 'keep') return 'messages of this kind do not wait';
  return keptForm(read.stanza, account, domainOf(account), Math.min(stamp ?? now, now));
}

/** When it came, as the account's server has noted, or else whoever noted it last. */
function stampIn(element: Element, host: Domain): number | undefined {
  const delays = childrenOf(element).flatMap((child) => Delay.decode(child) ?? []);
  return (delays.find(({ from }) => from === host) ?? delays.at(-1))?.stamp;
}
