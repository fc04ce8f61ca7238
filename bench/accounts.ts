/** The accounts that log in, and how a running rtcd makes them. */
import { request } from 'node:http';
import type { Account } from './client.ts';
import { inParallel } from './scenario.ts';

/** Requests under way at a time; the server derives keys in a thread pool of four. */
const REQUESTS_AT_A_TIME = 4;

/** Accounts `bench0`, `bench1` … with one password. */
export function benchAccounts(prefix: string, password: string, count: number): Account[] {
  return Array.from({ length: count }, (_, index) => ({ user: `${prefix}${index}`, password }));
}

/** The answer of an operation of rtcd. */
type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: string; readonly text: string };

/** Runs an operation of rtcd over its admin socket. Rejects if the server is not there. */
export function runOperation(socketPath: string, name: string, input: unknown): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        path: `/api/operations/${name}`,
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Host: 'localhost' },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve(JSON.parse(text) as Outcome);
          } catch {
            reject(new Error(`${name} answered ${response.statusCode}: ${text}`));
          }
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(input));
  });
}

/** Makes accounts; those that exist already keep their password. */
export async function makeAccounts(
  socketPath: string,
  domain: string,
  accounts: readonly Account[],
): Promise<void> {
  await inParallel(accounts.length, REQUESTS_AT_A_TIME, async (index) => {
    const account = accounts[index];
    if (account === undefined) return;
    const jid = `${account.user}@${domain}`;
    const outcome = await runOperation(socketPath, 'accounts.add', {
      jid,
      password: account.password,
    });
    if (!outcome.ok && outcome.why !== 'conflict')
      throw new Error(`${jid} could not be made: ${outcome.text}`);
  });
}
