import { describe, expect, test } from 'vitest';
import { type BareJid, type Domain, parseBare, parseDomain } from '../../../src/jid/jid.ts';
import { keptForm } from '../../../src/modules/offline/keeping.ts';
import { contentOf } from '../../../src/stanza/content.ts';
import { readKept, readStored } from '../../../src/stanza/stored.ts';

const ACCOUNT = ((): BareJid => {
  const parsed = parseBare('juliet@capulet.example');
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
})();
const HOST = ((): Domain => {
  const parsed = parseDomain('capulet.example');
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
})();

function keep(children: string) {
  const stanza = readStored(
    `<message from='romeo@montague.example/x' to='${ACCOUNT}/y' id='m'>${children}</message>`,
  );
  if (stanza?.kind !== 'message') throw new Error(`no message: ${children}`);
  return keptForm(stanza, ACCOUNT, HOST, 0);
}

const DELAY =
  '<delay xmlns="urn:xmpp:delay" from="capulet.example" stamp="1970-01-01T00:00:00.000Z">Offline Storage</delay>';

describe('a message as it is kept', () => {
  test('XEP-0203 §4 is to the account, says when it came, and what it carries', () => {
    const kept = keep('<body>b</body>');
    expect(kept.stanza).toBe(
      `<message from="romeo@montague.example/x" id="m" to="${ACCOUNT}"><body>b</body>${DELAY}</message>`,
    );
    expect([...(kept.content ?? [])]).toEqual(['body']);
  });

  test('has no delay that pretends to be from here (§5), when it is kept again neither', () => {
    const kept = keep(`<body>b</body>${DELAY.replace('1970', '2001')}`);
    const again = readKept(kept, ACCOUNT) ?? expect.fail('it is unreadable');
    expect(keptForm(again, ACCOUNT, HOST, 0)).toEqual(kept);
    expect(kept.stanza.split('<delay')).toHaveLength(2);
    expect(kept.stanza).toContain('1970');
  });

  test('XEP-0359 §2.2 is to be read again where it has an id that its first tag does not tell', () => {
    const origin = (id: string) => `<body>b</body><origin-id xmlns='urn:xmpp:sid:0' id='${id}'/>`;
    expect(keep(origin('m')).content).toBeDefined();
    const other = keep(origin('o'));
    expect(other.content).toBeUndefined();
    const read = readKept(other, ACCOUNT) ?? expect.fail('it is unreadable');
    expect([...contentOf(read)]).toEqual(['body']);
    expect(read.content).toBeUndefined();
  });
});
