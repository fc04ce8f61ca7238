/** The header of the PROXY protocol, by its text (HAProxy's proxy-protocol.txt). */
import { describe, expect, test } from 'vitest';
import { readProxyHeader } from '../../src/kit/proxy-header.ts';

const line = (text: string) => readProxyHeader(Buffer.from(text, 'latin1'));
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const binary = (hex: string) => readProxyHeader(Buffer.from(SIGNATURE + hex, 'hex'));

describe('§2.1 version 1', () => {
  const LONGEST =
    'PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n';

  test.each([
    ['PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n', '192.168.0.1'],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n', '2001:db8::1'],
    ['PROXY TCP6 2001:0DB8:0::1 2001:db8::2 0 65535\r\n', '2001:db8::1'],
    ['PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.8 0 65535\r\n', '192.0.2.7'],
    ['PROXY UNKNOWN\r\n', undefined],
    [LONGEST, undefined],
  ])('%j', (text, address) => {
    expect(line(`${text}GET / HTTP/1.1\r\n`)).toEqual({ value: { address }, skip: text.length });
    for (let bytes = 1; bytes < text.length; bytes++)
      expect(line(text.slice(0, bytes))).toBe('more');
  });

  test.each([
    'GET / HTTP/1.1\r\n',
    '<?xml',
    '\x16\x03\x01',
    'proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n',
    'PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n',
    'PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nmore\r\n',
    'PROXY UNKNOWNS\r\n',
    `PROXY UNKNOWN ${'x'.repeat(107)}\r\n`,
  ])('%j is none', (text) => expect(line(text)).toBeUndefined());
});

describe('§2.2 version 2', () => {
  const V4 = 'c0000207c0000208dc041466';
  const V6 = `20010db8${'0'.repeat(23)}7${'f'.repeat(32)}dc041466`;
  const MAPPED = `${'0'.repeat(20)}ffffc0000207${'f'.repeat(32)}dc041466`;

  test.each([
    ['TCP over IPv4', `2111000c${V4}`, '192.0.2.7'],
    ['TCP over IPv6', `21210024${V6}`, '2001:db8::7'],
    ['TCP over IPv4 at an IPv6 socket', `21210024${MAPPED}`, '192.0.2.7'],
    ['with facts, which are passed over', `21110010${V4}04000100`, '192.0.2.7'],
    ['LOCAL, whatever follows', '200000020000', undefined],
    ['LOCAL with a family', `2011000c${V4}`, undefined],
    ['of an unknown kind', '21000000', undefined],
    ['UDP', `2112000c${V4}`, undefined],
    ['UNIX', `213100d8${'00'.repeat(216)}`, undefined],
  ])('%s', (_, hex, address) => {
    const bytes = (SIGNATURE.length + hex.length) / 2;
    expect(binary(`${hex}16030100`)).toEqual({ value: { address }, skip: bytes });
    const whole = Buffer.from(SIGNATURE + hex, 'hex');
    for (let end = 1; end < bytes; end++)
      expect(readProxyHeader(whole.subarray(0, end))).toBe('more');
  });

  test.each([
    ['of another version', `1111000c${V4}`],
    ['with another command', `2211000c${V4}`],
    ['with another family', `2141000c${V4}`],
    ['with another protocol', `2113000c${V4}`],
    ['too short for its addresses', '21110004c0000207'],
    ['that is endless', '2111ffff'],
  ])('one %s is refused', (_, hex) => expect(binary(hex)).toBeUndefined());

  test('a signature that is not quite one', () => {
    expect(readProxyHeader(Buffer.from('\r\n\r\n\0\r\nQUIX', 'latin1'))).toBeUndefined();
  });
});
