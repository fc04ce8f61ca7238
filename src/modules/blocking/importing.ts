/**
 * Whom an account blocked on another server: a list of XEP-0191, or as much of privacy lists (XEP-0227 §4.8,
 * XEP-0016) as such a list can say, which is who is shut out whole.
 */
import type { Intake, Newcomer, PassedOver, Portion } from '../../core/intake.ts';
import { domainOf, type Jid, parseJid } from '../../jid/jid.ts';
import { childrenOf, type Element, isNamed } from '../../xml/element.ts';
import type { BlockLists } from './lists.ts';
import { BLOCKING } from './payloads.ts';

const PRIVACY = 'jabber:iq:privacy';

/** Takes them in; undefined for what is no list. */
export async function importedBlocks(
  lists: BlockLists,
  most: number,
  { account, isDry }: Newcomer,
  { within, elements }: Portion,
): Promise<Intake | undefined> {
  const isList = (each: Element) =>
    isNamed(each, 'blocklist', BLOCKING) || isNamed(each, 'query', PRIVACY);
  if (within.length > 0 || !elements.every(isList)) return undefined;
  const passed: PassedOver[] = [];
  const blocked = new Set<Jid>();
  for (const element of elements)
    for (const jid of element.name === 'query'
      ? deniedIn(element, passed)
      : listedIn(element, passed))
      blocked.add(jid);
  let taken = 0;
  await lists.change(account, ({ jids }) => {
    const all = new Set(jids);
    for (const jid of blocked) {
      if (!all.has(jid) && all.size >= most)
        passed.push({ what: jid, why: `an account blocks at most ${most} addresses` });
      else {
        all.add(jid);
        taken += 1;
      }
    }
    return isDry ? undefined : all;
  });
  return { kind: 'blocked addresses', taken, passed };
}

function* listedIn(list: Element, passed: PassedOver[]): Generator<Jid> {
  for (const item of childrenOf(list)) {
    if (!isNamed(item, 'item', BLOCKING)) continue;
    const jid = parseJid(item.attrs['jid'] ?? '');
    if (jid.ok) yield jid.value;
    else passed.push({ what: item.attrs['jid'] ?? '', why: jid.why });
  }
}

/** The kinds of stanzas that a rule of a privacy list may be for (XEP-0016 §2.2); one without is for all. */
const KINDS = ['message', 'iq', 'presence-in', 'presence-out'];

/** Whom the default list shuts out; the others were in force only for sessions that wanted it. */
function* deniedIn(query: Element, passed: PassedOver[]): Generator<Jid> {
  const children = childrenOf(query);
  const chosen = children.find((child) => child.name === 'default')?.attrs['name'];
  const allowed: Jid[] = [];
  for (const list of children) {
    if (list.name !== 'list') continue;
    const name = list.attrs['name'] ?? '';
    const what = `the privacy list '${name}'`;
    if (name !== chosen) {
      passed.push({
        what,
        why: 'only the default list can be kept, as a list of blocked addresses',
      });
      continue;
    }
    const items = childrenOf(list).toSorted((one, other) => orderOf(one) - orderOf(other));
    for (const item of items) {
      const { type, value = '', action } = item.attrs;
      const refuse = (why: string) => void passed.push({ what: `${what}, ${ruleText(item)}`, why });
      const isForAll = KINDS.every((kind) => childrenOf(item).some((child) => child.name === kind));
      if (type === undefined && action === 'allow') break; // for all who are left
      if (type !== 'jid') refuse('a list of blocked addresses cannot say it');
      else {
        const jid = parseJid(value);
        if (!jid.ok) refuse(jid.why);
        else if (action === 'allow') allowed.push(jid.value);
        else if (childrenOf(item).length > 0 && !isForAll)
          refuse('who is blocked is blocked for all kinds of stanzas');
        else if (allowed.some((each) => isWithin(each, jid.value)))
          refuse('somebody of these is allowed before that');
        else yield jid.value;
      }
    }
  }
}

const orderOf = ({ attrs }: Element) => Number(attrs['order'] ?? 0) || 0;

const ruleText = ({ attrs: { type = 'everybody', value = '', action = 'deny' } }: Element) =>
  `${action} ${type}${value === '' ? '' : ` ${value}`}`;

/** Whether an address is another one, or one of those that it stands for (XEP-0016 §2.1). */
const isWithin = (jid: Jid, other: Jid): boolean =>
  jid === other || jid.startsWith(`${other}/`) || domainOf(jid) === (other as string);
