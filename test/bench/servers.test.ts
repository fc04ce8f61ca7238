import { describe, expect, test } from 'vitest';
import { answerTo } from '../../bench/servers/dns.ts';
import { contactsOf } from '../../bench/servers/people.ts';
import { filled } from '../../bench/servers/template.ts';
import { decodeBody, decodeHead, encodeQuery, TYPE_NUMBERS } from '../../src/s2s/dns-message.ts';

describe('the servers of the load generator', () => {
  test('contacts are mutual, and nobody is his own', () => {
    const people = { prefix: 'p', password: 'x', count: 9, contacts: 4 };
    const of = (index: number) => contactsOf(index, people);
    for (let index = 0; index < people.count; index += 1) {
      expect(new Set(of(index)).size).toBe(people.contacts);
      expect(of(index)).not.toContain(index);
      for (const other of of(index)) expect(of(other)).toContain(index);
    }
    expect(() => contactsOf(0, { ...people, contacts: 9 })).toThrow('fewer');
  });

  test('a place of a template is filled, also behind a comment sign, or the template is refused', () => {
    expect(filled('port: $port$\n#$more$', { port: 5222, more: 'a: b' })).toBe('port: 5222\na: b');
    expect(() => filled('$nothing$', {})).toThrow('nothing');
  });

  test('RFC 1035: a server is found by its SRV record, and what is unknown does not exist', () => {
    const places = new Map([['left.example', { target: 'localhost', port: 5269 }]]);
    const ask = (name: string, type: 'SRV' | 'A') => {
      const query = encodeQuery(7, name, TYPE_NUMBERS[type], true);
      const answer = query && answerTo(query, places);
      const head = answer && decodeHead(answer);
      const answers = answer && head && decodeBody(answer, head)?.answers;
      return { id: head?.id, rcode: head?.rcode, data: answers?.map(({ data }) => data) };
    };
    expect(ask('_xmpp-server._tcp.left.example', 'SRV')).toMatchObject({
      ...{ id: 7, rcode: 0 },
      data: [{ target: 'localhost', port: 5269 }],
    });
    expect(ask('localhost', 'A').data).toEqual(['127.0.0.1']);
    expect(ask('_xmpp-server._tcp.left.example', 'A')).toMatchObject({ rcode: 0, data: [] });
    expect(ask('_xmpp-server._tcp.right.example', 'SRV').rcode).toBe(3);
    expect(answerTo(Buffer.alloc(5), places)).toBeUndefined();
  });
});
