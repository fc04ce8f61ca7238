/** Two rtcd servers, each with its own domain, over real sockets. */
import { afterEach, describe, expect, test } from 'vitest';
import { bodyOf, type Federation, startFederation } from '../support/federation.ts';

let federation: Federation | undefined;
afterEach(async () => {
  await federation?.stop();
  federation = undefined;
});

describe('two servers', () => {
  test('chat both ways over STARTTLS, proved by certificates', async () => {
    federation = await startFederation();
    const a = await federation.join({ hosts: { 'a.example': {} }, accounts: ['romeo'] });
    const b = await federation.join({ hosts: { 'b.example': {} }, accounts: ['juliet'] });
    const romeo = await federation.enter(a, 'romeo@a.example');
    const juliet = await federation.enter(b, 'juliet@b.example');
    juliet.send('<presence/>');
    await juliet.seek(({ name }) => name === 'presence');
    romeo.send("<message to='juliet@b.example' type='chat'><body>hi</body></message>");
    const heard = await juliet.seek(({ name }) => name === 'message');
    expect(bodyOf(heard)).toBe('hi');
    juliet.send(`<message to='${heard.attrs.from}' type='chat'><body>ho</body></message>`);
    expect(bodyOf(await romeo.next())).toBe('ho');
  });
});
