/** Operations on other servers: the links, the policy, and the doctor. */
import { z } from 'zod';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import type { Domain } from '../jid/jid.ts';
import { eventOf, eventSchema, linkOf, linkSchema, stepOf, stepSchema } from './federation-info.ts';
import type { FederationLink, FederationService } from './federation-service.ts';
import { confirmed, domain, limit, offset, otherDomain, otherDomains, watchOf } from './fields.ts';
import { unlessFound, unlessServed } from './refusals.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'federation' | 'federationRules' | 'hosts'>;

/** Operations on other servers. */
export function federationOperations(services: Needs): AnyOperation[] {
  return [
    list(services),
    show(services),
    test(services),
    close(services),
    rules(services),
    ruling(services, 'block'),
    ruling(services, 'allow'),
    reset(services),
  ];
}

const ourDomain = domain.meta({ ...domain.meta(), description: 'One of our domains.' });

/** The side; there is none where the server does not run. */
function running({ federation }: Needs) {
  const side = federation();
  return side ?? failure('unavailable', 'Other servers are talked with only while rtcd runs.');
}

const isSide = (side: ReturnType<typeof running>): side is FederationService => !('ok' in side);

const byNames = (a: FederationLink, b: FederationLink) =>
  `${a.domain} ${a.host} ${a.direction}` < `${b.domain} ${b.host} ${b.direction}` ? -1 : 1;

function list(services: Needs): AnyOperation {
  return operation({
    name: 's2s.list',
    command: ['s2s', 'list'],
    summary: 'List the links with other servers.',
    effect: 'read',
    input: z.object({
      host: ourDomain.optional(),
      search: z.string().max(200).optional().describe('A part of the domain or of the address.'),
      offset,
      limit: limit(100),
    }),
    output: z.object({ links: z.array(linkSchema), total: z.int() }),
    run({ host, search, offset: from, limit: most }) {
      const side = running(services);
      if (!isSide(side)) return side;
      const part = search?.trim().toLowerCase() ?? '';
      const found = side
        .list()
        .filter((link) => host === undefined || link.host === host)
        .filter(
          ({ domain: far, remoteAddress = '' }) =>
            far.includes(part) || remoteAddress.includes(part),
        )
        .toSorted(byNames);
      const unserved = unlessFound(services.hosts, host, found.length);
      if (unserved !== undefined) return unserved;
      const links = found.slice(from, from + most).map(linkOf);
      return success({ links, total: found.length });
    },
  });
}

function show(services: Needs): AnyOperation {
  return operation({
    name: 's2s.show',
    command: ['s2s', 'show'],
    summary:
      'Show the links with a domain, what happened with it, and whether it may be talked with.',
    effect: 'read',
    positional: ['domain'],
    input: z.object({ domain: otherDomain }),
    output: z.object({
      domain: z.string(),
      policy: z.array(
        z.object({
          host: z.string(),
          allowed: z.boolean(),
          why: z.string().describe('Why not; empty if it is.'),
        }),
      ),
      links: z.array(linkSchema),
      history: z.array(eventSchema),
    }),
    async run({ domain: far }) {
      const side = running(services);
      if (!isSide(side)) return side;
      const policy = services.hosts.all().map(({ domain: host }) => {
        const why = side.refusal(host, far);
        return { host, allowed: why === undefined, why: why ?? '' };
      });
      const links = side.list(far).toSorted(byNames).map(linkOf);
      const history = (await side.history(far)).map(eventOf);
      return success({ domain: far, policy, links, history });
    },
  });
}

/** Examinations at a time: each keeps connections open. */
const MAX_TESTS = 4;

function test(services: Needs): AnyOperation {
  let open = 0;
  return operation({
    name: 's2s.test',
    command: ['s2s', 'test'],
    summary: 'Examine the way to another domain: DNS, connection, TLS, who proves himself, ping.',
    effect: 'watch',
    positional: ['domain'],
    input: z.object({
      domain: otherDomain,
      host: ourDomain.optional().describe('Our domain for which to go; else the first one.'),
    }),
    output: watchOf(stepSchema),
    run({ domain: far, host }) {
      const side = running(services);
      if (!isSide(side)) return side;
      const own = hostFor(services, host);
      if (typeof own !== 'string') return own;
      if (open >= MAX_TESTS)
        return failure('unavailable', 'Too many examinations run; wait for the end of one.');
      open += 1;
      const release = () => {
        open -= 1;
      };
      return success(mapped(side.examine(own, far), stepOf, release));
    },
  });
}

function hostFor({ hosts }: Needs, host: Domain | undefined) {
  if (host !== undefined) return unlessServed(hosts, host) ?? host;
  const [first] = hosts.all();
  return first?.domain ?? failure('not-found', 'No domain is served here.');
}

/** Values made of others; `over` is called once when they end, or their reader leaves. */
function mapped<A, B>(
  values: AsyncIterable<A>,
  map: (value: A) => B,
  over: () => void,
): AsyncIterable<B> {
  const inner = values[Symbol.asyncIterator]();
  let isOver = false;
  const end = () => {
    if (!isOver) over();
    isOver = true;
  };
  const iterator: AsyncIterator<B> = {
    async next() {
      try {
        const { done, value } = await inner.next();
        if (done !== true) return { done: false, value: map(value) };
      } catch (error) {
        end();
        throw error;
      }
      end();
      return { done: true, value: undefined };
    },
    async return() {
      end();
      await inner.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function close(services: Needs): AnyOperation {
  return operation({
    name: 's2s.close',
    command: ['s2s', 'close'],
    summary: 'Close the streams with a domain; they are opened anew when they are needed.',
    effect: 'change',
    positional: ['domain'],
    input: z.object({ domain: otherDomain }),
    output: z.object({ closed: z.int() }),
    present: ({ closed }) => (closed === 1 ? 'One stream closed.' : `${closed} streams closed.`),
    run({ domain: far }) {
      const side = running(services);
      return isSide(side) ? success({ closed: side.close(far) }) : side;
    },
  });
}

const ruleSchema = z.object({
  domain: z.string(),
  verdict: z.enum(['allow', 'block']),
  host: z.string().describe('Our domain; * for all.'),
});

const ruleInput = z.object({
  domain: otherDomains,
  host: ourDomain.optional().describe('Our domain that this is for; else all.'),
});

function rules(services: Needs): AnyOperation {
  return operation({
    name: 's2s.rules',
    command: ['s2s', 'rules'],
    summary: 'List the domains that were blocked or allowed, whatever the config says.',
    effect: 'read',
    offline: true,
    input: z.object({}),
    output: z.object({ rules: z.array(ruleSchema) }),
    run: () => success({ rules: services.federationRules.list().map((rule) => ({ ...rule })) }),
  });
}

const RULINGS = {
  block: {
    summary: 'Talk with a domain, or all below one, no longer, whatever the config says.',
    question: 'Block {domain}? Its streams are closed at once.',
    done: 'is blocked',
  },
  allow: {
    summary: 'Talk with a domain, or all below one, though the config blocks it.',
    question: 'Allow {domain}, whatever the config says?',
    done: 'is allowed',
  },
} as const;

/** A star is not for the shell. */
const inShell = (pattern: string) => (pattern.startsWith('*') ? `'${pattern}'` : pattern);

function ruling(services: Needs, verdict: 'block' | 'allow'): AnyOperation {
  const { summary, question, done } = RULINGS[verdict];
  return operation({
    name: `s2s.${verdict}`,
    command: ['s2s', verdict],
    summary,
    effect: 'change',
    offline: true,
    positional: ['domain'],
    input: confirmed(ruleInput, question),
    output: ruleSchema,
    present: ({ domain: far, host }) =>
      `${far} ${done}${host === '*' ? '' : ` for ${host}`}. To take that back: rtcctl s2s reset ${inShell(far)}`,
    async run({ domain: far, host }) {
      const unserved = host === undefined ? undefined : unlessServed(services.hosts, host);
      if (unserved !== undefined) return unserved;
      if (services.hosts.all().some((each) => each.domain === far))
        return failure('refused', `${far} is served here; its users always talk with each other.`);
      const rule = { host: host ?? '*', domain: far, verdict } as const;
      await services.federationRules.set(rule);
      return success(rule);
    },
  });
}

function reset(services: Needs): AnyOperation {
  return operation({
    name: 's2s.reset',
    command: ['s2s', 'reset'],
    summary: 'Take back what was said of a domain; the config holds again.',
    effect: 'change',
    offline: true,
    positional: ['domain'],
    input: ruleInput,
    output: z.object({ domain: z.string() }),
    present: ({ domain: far }) => `For ${far}, the config holds again.`,
    async run({ domain: far, host }) {
      const wasSaid = await services.federationRules.unset({ host: host ?? '*', domain: far });
      if (wasSaid) return success({ domain: far });
      return failure(
        'not-found',
        `Nothing was said of ${far}${host === undefined ? '' : ` for ${host}`}.`,
      );
    },
  });
}
