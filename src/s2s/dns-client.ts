/**
 * A client of DNS (RFC 1035, over UDP and TCP: RFC 7766). Node's own tells neither the lifetime of
 * SRV records nor whether an answer was validated, and both are needed here.
 */
import { randomInt } from 'node:crypto';
import { getServers } from 'node:dns';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../kit/clock.ts';
import type { Dns, DnsOutcome, DnsProblem, DnsSettings } from './dns.ts';
import { type Followed, follow } from './dns-answer.ts';
import {
  encodeQuery,
  type QueryType,
  RCODE,
  type RecordData,
  TYPE_NUMBERS,
} from './dns-message.ts';
import { isLoopback, parseServer } from './dns-server.ts';
import { askTcp, askUdp, type DnsServer, type Exchange, type Question } from './dns-wire.ts';
import { createGate } from './gate.ts';

/** What the client works with. */
export interface DnsClientOptions {
  readonly clock: Clock;
  /** The settings as they stand. */
  settings(): DnsSettings;
}

/** More servers than this are not asked; a resolver's list seldom has more than three. */
const MAX_SERVERS = 4;
/** How many aliases are followed, as most resolvers do. */
const MAX_ALIASES = 8;
/** How many questions may be open, and how many may wait: strangers can cause them. */
const MAX_OPEN = 128;
const MAX_WAITING = 4096;
/** Into how many tries the time for a question is divided, and the shortest try. */
const TRIES = 4;
const SHORTEST_TRY_MS = 250;

/** What one server, or all of them, said to a question for one name. */
type Reply =
  | { readonly kind: 'said'; readonly said: Followed; readonly isValidated: boolean }
  | { readonly kind: 'failed'; readonly problem: DnsProblem; readonly text: string };

const CLOSED = { kind: 'failed', problem: 'closed', text: 'the server is being stopped' } as const;
const BUSY = {
  kind: 'failed',
  problem: 'busy',
  text: 'too many names are being looked up',
} as const;
const TIMEOUT = {
  kind: 'failed',
  problem: 'timeout',
  text: 'no name server answered in time',
} as const;

/** Makes a client that asks the servers each time. */
export function createDnsClient({ clock, settings }: DnsClientOptions): Dns {
  const closing = new AbortController();
  setMaxListeners(MAX_OPEN, closing.signal); // one for each open question
  const gate = createGate(MAX_OPEN, MAX_WAITING);
  return {
    async query<T extends QueryType>(name: string, type: T) {
      if (closing.signal.aborted) return CLOSED;
      if (!(await gate.enter())) return BUSY;
      try {
        return await ask(name, type);
      } finally {
        gate.leave();
      }
    },
    close: () => closing.abort(),
  };

  /** Asks, and goes on asking where an answer is an alias only. */
  async function ask<T extends QueryType>(asked: string, type: T) {
    const { timeoutMs } = settings();
    const end = clock.monotonic() + timeoutMs;
    let name = asked;
    let ttl = Number.POSITIVE_INFINITY;
    let isValidated = true;
    for (let aliases = 0; aliases <= MAX_ALIASES; ) {
      const reply = await askServers(name, TYPE_NUMBERS[type], end);
      if (reply.kind === 'failed') return reply;
      const { said } = reply;
      ttl = Math.min(ttl, said.ttl);
      isValidated &&= reply.isValidated;
      if (said.kind !== 'alias') return outcomeOf<T>(said, ttl, isValidated);
      name = said.name;
      aliases += said.aliases;
    }
    const text = `${asked} is an alias of too many others`;
    return { kind: 'failed', problem: 'malformed', text } as const;
  }

  /** One question to one server after the other, until one answers or the time is over. */
  async function askServers(name: string, type: number, end: number): Promise<Reply> {
    const { servers, timeoutMs, trustValidation = 'loopback' } = settings();
    const left = (servers.length > 0 ? servers : getServers())
      .flatMap((text) => parseServer(text) ?? [])
      .slice(0, MAX_SERVERS);
    const tryMs = Math.max(SHORTEST_TRY_MS, timeoutMs / TRIES);
    let worst: Reply = { kind: 'failed', problem: 'unreachable', text: 'there is no name server' };
    for (let index = 0; left.length > 0; index += 1) {
      const remaining = end - clock.monotonic();
      if (closing.signal.aborted) return CLOSED;
      if (remaining <= 0) return TIMEOUT;
      const at = index % left.length;
      const server = left[at];
      if (server === undefined) continue;
      const exchange = await askServer(server, name, type, Math.min(tryMs, remaining));
      const reply = replyOf(exchange, server, name, type, trustValidation);
      if (reply.kind === 'said') return reply;
      worst = reply;
      if (reply.problem === 'bad-name') return reply;
      // Only silence may have been an accident; who said no is not asked again.
      if (reply.problem !== 'timeout') {
        left.splice(at, 1);
        index = at - 1;
      }
    }
    return closing.signal.aborted ? CLOSED : worst;
  }

  /** UDP, then TCP where the answer does not fit; without EDNS where it is not understood. */
  async function askServer(
    server: DnsServer,
    name: string,
    type: number,
    ms: number,
  ): Promise<Exchange> {
    const signal = closing.signal;
    const options = { clock, ms, signal };
    const first = questionOf(name, type, true);
    if (first === undefined) return { kind: 'bad-name' };
    let question: Question = first;
    let exchange = await askUdp(server, question, options);
    const rcode = exchange.kind === 'message' ? exchange.head.rcode : undefined;
    if (rcode === RCODE.formatError || rcode === RCODE.notImplemented) {
      question = questionOf(name, type, false) ?? first;
      exchange = await askUdp(server, question, options);
    }
    return exchange.kind === 'truncated' ? askTcp(server, question, options) : exchange;
  }
}

/** A question with an identifier that nobody can guess (RFC 5452 §4.3). */
function questionOf(name: string, type: number, withEdns: boolean): Question | undefined {
  const id = randomInt(0x1_0000);
  const packet = encodeQuery(id, name, type, withEdns);
  return packet === undefined ? undefined : { id, name: name.toLowerCase(), type, packet };
}

function replyOf(
  exchange: Exchange,
  server: DnsServer,
  name: string,
  type: number,
  trust: 'loopback' | 'all' | 'none',
): Reply {
  const where = `${server.address} port ${server.port}`;
  const failed = (problem: DnsProblem, text: string): Reply => ({ kind: 'failed', problem, text });
  switch (exchange.kind) {
    case 'bad-name':
      return failed('bad-name', 'it is no name for DNS');
    case 'timeout':
      return failed('timeout', `the name server ${where} did not answer in time`);
    case 'unreachable':
      return failed('unreachable', `the name server ${where} cannot be reached (${exchange.code})`);
    case 'truncated':
    case 'malformed':
      return failed('malformed', `the name server ${where} sent a broken answer`);
    case 'message':
      break;
  }
  const { head, body } = exchange;
  if (head.rcode === RCODE.refused)
    return failed('refused', `the name server ${where} refuses to answer`);
  if (head.rcode !== RCODE.ok && head.rcode !== RCODE.noSuchName)
    return failed('server-failure', `the name server ${where} failed (code ${head.rcode})`);
  const said = follow(name.toLowerCase(), type, head.rcode, body, MAX_ALIASES);
  if (said === undefined) return failed('malformed', `the name server ${where} answers in circles`);
  const isTrusted = trust === 'all' || (trust === 'loopback' && isLoopback(server.address));
  return { kind: 'said', said, isValidated: head.isAuthentic && isTrusted };
}

function outcomeOf<T extends QueryType>(
  said: Exclude<Followed, { kind: 'alias' }>,
  ttl: number,
  isValidated: boolean,
): DnsOutcome<RecordData[T]> {
  return said.kind === 'none'
    ? { kind: 'none', isNameKnown: said.isNameKnown, ttl, isValidated }
    : { kind: 'records', records: said.records as readonly RecordData[T][], ttl, isValidated };
}
