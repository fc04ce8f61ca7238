/** Which web pages may connect. */
import { expect, test } from 'vitest';
import { createOriginPolicy } from '../../src/http/origins.ts';

test.each([
  ['all', ['*'], 'https://evil.example', 'chat.falcot.com', true],
  ['what is no page', [], undefined, 'chat.falcot.com', true],
  ['our own', [], 'https://chat.falcot.com:5281', 'chat.falcot.com:5281', true],
  ['one that is named', ['https://falcot.com'], 'https://FALCOT.com', 'chat.falcot.com', true],
  ['another scheme', ['https://falcot.com'], 'http://falcot.com', 'falcot.com', false],
  ['another port', ['https://falcot.com'], 'https://falcot.com:8443', 'chat.falcot.com', false],
  ['one below', ['https://falcot.com'], 'https://a.falcot.com', 'chat.falcot.com', false],
  ['one without a name', ['https://falcot.com'], 'null', 'chat.falcot.com', false],
])('RFC 6454 §7 %s', (_, allowed, origin, host, may) => {
  expect(createOriginPolicy(allowed)(origin, host)).toBe(may);
});
