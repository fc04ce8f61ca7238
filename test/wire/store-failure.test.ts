/** DESIGN D1: a server whose database fails keeps nothing any more, and so it ends. */
import { expect, test } from 'vitest';
import { loggedIn } from '../support/client.ts';
import { DOMAIN, startProgram } from '../support/program.ts';

const PASSWORD = 'a secret for tests';

/** From SIGUSR2 on, the thread that writes ends by the next thing that it is to write. It is the first one. */
const KILLER = `
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const threads = createRequire(import.meta.url)('node:worker_threads');
const started = [];
threads.Worker = class extends threads.Worker {
  constructor(...given) {
    super(...given);
    started.push(this);
  }
};
syncBuiltinESMExports();
const arm = () => {
  const [writer] = started;
  writer.postMessage = () => void writer.terminate();
  process.stdout.write('armed\\n');
};
if (isMainThread) process.on('SIGUSR2', arm);
`;

test('a thread of the database dies: streams end, nothing is acknowledged, status 1, and a line at level fatal', async () => {
  const program = await startProgram({}, DOMAIN, KILLER);
  try {
    await program.addAccount('juliet', PASSWORD);
    const place = { port: program.ports.c2sTls, tls: { servername: DOMAIN } };
    const juliet = await loggedIn({ ...place, user: 'juliet', password: PASSWORD, resource: 'x' });
    juliet.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    await juliet.seek(({ name }) => name === 'enabled');
    program.signal('SIGUSR2');
    await expect.poll(program.log).toContain('armed');
    juliet.send(
      `<message type='chat' to='juliet@${DOMAIN}'><body>now</body></message><r xmlns='urn:xmpp:sm:3'/>`,
    );
    const rest = await juliet.rest();
    expect(String(rest.at(-1))).toContain('<system-shutdown ');
    // What is handled all the same is what was sent back, since it could not be kept.
    const isBack = rest.some((each) => String(each).includes('<internal-server-error '));
    const counts = rest.filter(({ name }) => name === 'a').map(({ attrs }) => attrs['h']);
    expect(counts.every((h) => h === '0' || isBack)).toBe(true);
    juliet.destroy();

    expect(await program.ended()).toBe(1);
    expect(program.log()).toMatch(/"level":60,.*the database failed/);
    await program.restart();
    expect((await program.ctl(['user', 'list'])).stdout).toContain(`juliet@${DOMAIN}`);
  } finally {
    await program.stop();
  }
}, 60_000);
