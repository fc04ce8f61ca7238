/** What becomes of a server whose log is taken by nobody any more. */
import { expect, test } from 'vitest';
import { DOMAIN, startProgram } from '../support/program.ts';

/** From SIGUSR2 on, the log goes to a disk that is full. */
const FILLER = `
import { closeSync, openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const fill = () => {
  process.stdout.write('full now\\n', () => {
    closeSync(1);
    openSync('/dev/full', 'w');
  });
};
if (isMainThread) process.on('SIGUSR2', fill);
`;

test('the disk of the log is full: the server goes on, and ends when it is told to, with status 0', async () => {
  const program = await startProgram({ log: { level: 'debug' } }, DOMAIN, FILLER);
  try {
    program.signal('SIGUSR2');
    await expect.poll(program.log).toContain('full now');
    await program.addAccount('juliet', 'a secret for tests');
    expect((await program.ctl(['reload'])).code).toBe(0);
    expect((await program.ctl(['user', 'list'])).stdout).toContain(`juliet@${DOMAIN}`);
  } finally {
    expect(await program.stop()).toBe(0);
  }
});
