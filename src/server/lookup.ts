/** The checks' questions to DNS, asked by the same client that finds other servers. */
import type { Answer, Lookup } from '../operations/dns-lookup.ts';
import type { Dns, DnsOutcome, DnsProblem } from '../s2s/dns.ts';

const PROBLEMS: Partial<Record<DnsProblem, string>> = {
  timeout: 'the name server did not answer in time',
  unreachable: 'the name server does not answer',
  'server-failure': 'the name server failed',
  refused: 'the name server refuses to answer',
  'bad-name': 'it is no name for DNS',
};

/** Makes a look-up of a client. */
export function createLookup(dns: Dns): Lookup {
  return {
    async addresses(name) {
      const [four, six] = await Promise.all([dns.query(name, 'A'), dns.query(name, 'AAAA')]);
      const answer = answerOf(four);
      if (!answer.ok) return answer;
      const others = answerOf(six);
      return { ok: true, records: [...answer.records, ...(others.ok ? others.records : [])] };
    },
    async srv(name) {
      const answer = answerOf(await dns.query(name, 'SRV'));
      if (!answer.ok) return answer;
      return { ok: true, records: answer.records.toSorted((a, b) => a.priority - b.priority) };
    },
    async tlsa(name) {
      const answer = answerOf(await dns.query(name, 'TLSA'));
      if (!answer.ok) return answer;
      const records = answer.records.map((each) => ({ ...each, data: each.data.toString('hex') }));
      return { ok: true, records };
    },
  };
}

function answerOf<R>(outcome: DnsOutcome<R>): Answer<R> {
  switch (outcome.kind) {
    case 'records':
      return { ok: true, records: outcome.records };
    case 'none':
      return { ok: true, records: [] };
    case 'failed':
      return { ok: false, text: PROBLEMS[outcome.problem] ?? outcome.text };
  }
}
