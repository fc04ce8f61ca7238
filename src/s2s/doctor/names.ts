/** The doctor's first look: what DNS says of a domain, and the addresses that follow from it. */

import { type DaneTerms, findDane } from '../dane.ts';
import type { DnsOutcome } from '../dns.ts';
import type { SrvRecord } from '../dns-message.ts';
import { DIRECT_TLS_SERVICE, placeOf, SERVER_PORT, SERVER_SERVICE } from '../names.ts';
import type { Resolved, Target } from '../resolver.ts';
import type { Examination } from './services.ts';
import { type Cause, type Step, sentence, stepsOn } from './step.ts';

/** A place to go to. */
export interface Destination {
  readonly target: Target;
  readonly address: string;
  /** What DNS says of the certificate there, as far as it can be believed. */
  readonly dane: DaneTerms | undefined;
}

/** What DNS leads to. */
export interface Found {
  readonly destinations: readonly Destination[];
  /** Whether there was no SRV record, so that the domain itself is tried. */
  readonly isFallback: boolean;
}

/** More places than this are not visited. */
const MAX_DESTINATIONS = 8;
/** Records that are listed. */
const MAX_LISTED = 8;

/** Looks the domain up; answers where to go, in the order of trying. */
export async function* lookUp(examination: Examination): AsyncGenerator<Step, Found> {
  const { remote, services } = examination;
  const place = placeOf(remote);
  if (place.kind === 'name') yield* showServices(place.name, examination);
  const resolved = await services.resolver.resolve(remote);
  if (!resolved.ok) {
    yield stepsOn('dns', remote).error(causeOf(resolved), sentence(resolved.text));
    return { destinations: [], isFallback: false };
  }
  if (place.kind !== 'name')
    yield stepsOn('dns', remote).ok('It is an address; DNS is not asked for its servers.');
  const isFallback = resolved.from === 'fallback';
  const found: Destination[] = [];
  for (const target of resolved.targets) {
    if (examination.signal.aborted) break;
    found.push(...(yield* showHost(target, isFallback, examination)));
  }
  const { length } = found;
  if (length > MAX_DESTINATIONS) {
    const text = `There are ${length} addresses; the first ${MAX_DESTINATIONS} are visited.`;
    yield stepsOn('dns', remote).skipped(text);
  }
  return { destinations: found.slice(0, MAX_DESTINATIONS), isFallback };
}

/** The SRV records of both services (RFC 6120 §3.2.1, XEP-0368 §3). */
async function* showServices(name: string, { services }: Examination): AsyncGenerator<Step> {
  const { dns } = services;
  const [plain, direct] = await Promise.all([
    dns.query(`${SERVER_SERVICE}.${name}`, 'SRV', { isFresh: true }),
    dns.query(`${DIRECT_TLS_SERVICE}.${name}`, 'SRV', { isFresh: true }),
  ]);
  const hasAny = [plain, direct].some(({ kind }) => kind === 'records');
  const without = hasAny
    ? 'There is no record.'
    : `There is no record, so ${name} itself is tried on port ${SERVER_PORT}.`;
  yield serviceStep(`${SERVER_SERVICE}.${name}`, plain, without);
  const missing = 'There is no record: direct TLS is not offered, which is no fault.';
  yield serviceStep(`${DIRECT_TLS_SERVICE}.${name}`, direct, missing);
}

function serviceStep(subject: string, outcome: DnsOutcome<SrvRecord>, missing: string): Step {
  const say = stepsOn('dns', subject);
  switch (outcome.kind) {
    case 'failed': {
      const cause = outcome.problem === 'timeout' ? 'dns-timeout' : 'dns-failure';
      return say.error(cause, `It cannot be looked up: ${outcome.text}.`);
    }
    case 'none':
      return say.ok(missing);
    case 'records': {
      const named = outcome.records.filter(({ target }) => target !== '');
      if (named.length === 0)
        return say.warning('service-declined', 'Its record says that there is no such service.');
      const lines = named
        .slice(0, MAX_LISTED)
        .map(
          (each) => `${each.target}:${each.port}, priority ${each.priority}, weight ${each.weight}`,
        );
      const more = named.length > MAX_LISTED ? [`and ${named.length - MAX_LISTED} more`] : [];
      const signed = outcome.isValidated ? ', validated by DNSSEC' : '';
      const count = named.length === 1 ? 'one server' : `${named.length} servers`;
      return say.ok(`It names ${count}${signed}.`, [...lines, ...more].join('\n'));
    }
  }
}

/** The addresses of a server, and what DNS says of its certificate. */
async function* showHost(
  target: Target,
  isFallback: boolean,
  { services }: Examination,
): AsyncGenerator<Step, Destination[]> {
  const { host, port } = target;
  const found = await services.resolver.addresses(host, { isFresh: true });
  const say = stepsOn('dns', host);
  if (!found.ok) {
    const isGone = found.why === 'no-address' || found.why === 'no-such-domain';
    const cause = isGone ? (isFallback ? 'no-srv' : 'srv-to-nowhere') : found.why;
    yield say.error(cause, sentence(found.text));
    return [];
  }
  yield say.ok(`Its addresses: ${found.addresses.join(', ')}.`);
  const isSecure = target.isSecure && found.isSecure;
  const dane = await findDane(services.dns, { target, isSecure }, { isFresh: true });
  const sayDane = stepsOn('dane', `_${port}._tcp.${host}`);
  if (dane.kind === 'failed') yield sayDane.error('dns-failure', sentence(dane.text));
  if (dane.kind === 'terms') {
    const { length } = dane.terms.records;
    yield sayDane.ok(
      `DNS says by ${length} TLSA record(s), validated, which certificate is right.`,
    );
  }
  const terms = dane.kind === 'terms' ? dane.terms : undefined;
  return found.addresses.map((address) => ({ target, address, dane: terms }));
}

/** Where neither SRV nor an address is found, it is the SRV record that has to be added. */
function causeOf({ why }: Resolved & { readonly ok: false }): Cause {
  return why === 'no-address' ? 'no-srv' : why;
}
