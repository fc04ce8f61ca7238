/** The check of all that must be right around the server: config, certificates, ports, DNS. */
import { z } from 'zod';
import { covers } from '../certs/certificate.ts';
import type { CertificateInfo } from '../certs/types.ts';
import type { Fault } from '../config/document.ts';
import { openListeners } from '../config/listeners.ts';
import { type AnyOperation, operation, success } from '../core/operation.ts';
import { type Domain, domainOf, domainToAscii } from '../jid/jid.ts';
import { issuerName } from './certificate-info.ts';
import { checkDns } from './check-dns.ts';
import { nameServers, portsOf } from './dns.ts';
import { hidden, level } from './fields.ts';
import { type Finding, findingsOn } from './findings.ts';
import { ownAddresses } from './own-addresses.ts';
import type { PortProbe } from './port-probe.ts';
import type { ListenerInfo, Services } from './services.ts';

type Needs = Pick<
  Services,
  'clock' | 'config' | 'hosts' | 'certificates' | 'doubts' | 'runtime' | 'lookup' | 'ports'
>;

const DAY_MS = 86_400_000;
/** Authorities' clients renew 30 days before the end: later, something does not work. */
const SOON_DAYS = 30;
/** So few days before the end, somebody must act. */
const URGENT_DAYS = 7;

const MEBI = 1024 * 1024;
/** With so little room the disk is as good as full: what comes may not be kept. */
const NO_ROOM = 64 * MEBI;
const LITTLE_ROOM = 512 * MEBI;

/** The operation that checks. */
export function checkOperations(services: Needs): AnyOperation[] {
  return [
    operation({
      name: 'server.check',
      command: ['check'],
      summary: 'Check the config, certificates, ports and DNS, and say how to mend what is wrong.',
      effect: 'read',
      offline: true,
      input: z.object({ dns: nameServers }),
      output: z.object({
        healthy: hidden(z.boolean().describe('Whether there is no error among the findings.')),
        findings: z.array(
          z.object({ level, area: z.string(), subject: z.string(), text: z.string() }),
        ),
      }),
      async run({ dns }) {
        const findings = await allFindings(services, dns);
        const healthy = findings.every((finding) => finding.level !== 'error');
        return success({ healthy, findings });
      },
    }),
  ];
}

async function allFindings(services: Needs, dns: readonly string[]): Promise<Finding[]> {
  const { clock, hosts, certificates, runtime, ports } = services;
  const config = services.config.current();
  const domains = hosts.all().map((host) => host.domain);
  const lookup = services.lookup(dns);
  const own = ownAddresses();
  const [configs, rooms, papers, listeners, names] = await Promise.all([
    checkConfig(services),
    checkRoom(services),
    Promise.all(
      domains.map(async (domain) => {
        const certificate = certificates.info(domain);
        return checkCertificate(domain, certificate, clock.now(), await services.doubts(domain));
      }),
    ),
    Promise.all(
      socketsOf(services).map((socket) =>
        checkPort(socket, { ports, isServing: runtime.isServing }),
      ),
    ),
    Promise.all(
      hosts.all().map((host) => {
        const keyHash = certificates.info(host.domain)?.publicKeySha256;
        return checkDns(host, { config, lookup, own, keyHash, portOf: portsOf(services) });
      }),
    ),
  ]);
  return [
    ...configs,
    ...checkAdmins(services),
    ...rooms,
    ...papers.flat(),
    ...listeners,
    ...names.flat(),
  ];
}

async function checkConfig({ config }: Needs): Promise<Finding[]> {
  const { faults, warnings } = await config.check();
  const file = config.current().file ?? '(development defaults)';
  const found = [
    ...faults.map((fault) => sayAt(fault).error(textOf(fault))),
    ...warnings.map((fault) => sayAt(fault).warning(textOf(fault))),
  ];
  return found.length > 0 ? found : [findingsOn('config', file).ok('It has no faults.')];
}

const sayAt = ({ file, line }: Fault) => findingsOn('config', `${file}:${line}`);
const textOf = ({ key, message }: Fault) => [key, message].filter((part) => part !== '').join(': ');

/** Tells of those whom a host's file names as its admins in vain: they are of another domain. */
function checkAdmins({ hosts }: Needs): Finding[] {
  return hosts
    .all()
    .flatMap(({ domain, config }) =>
      config.admins
        .filter((jid) => domainOf(jid) !== domain)
        .map((jid) =>
          findingsOn('config', domain).warning(
            `${jid}, of another domain, does not become its admin. Name an account of ${domain}, or make ${jid} an operator of the server by the admins of rtcd.yaml.`,
          ),
        ),
    );
}

/** Tells of a disk that is filling; of one with room enough there is nothing to say. */
async function checkRoom({ config, runtime }: Needs): Promise<Finding[]> {
  const room = await runtime.roomBytes();
  if (room >= LITTLE_ROOM) return [];
  const say = findingsOn('disk', config.current().server.data);
  const left = `${Math.floor(room / MEBI)} MiB are left. Make room there`;
  return room < NO_ROOM
    ? [say.error(`${left}: messages come back to their senders when there is none.`)]
    : [say.warning(`${left} before it is full.`)];
}

/**
 * Judges a host's certificate.
 * @param doubts what others will find wrong with its chain
 */
export function checkCertificate(
  domain: Domain,
  certificate: CertificateInfo | undefined,
  now: number,
  doubts: readonly string[],
): Finding[] {
  const say = findingsOn('certificate', domain);
  const renew = `Renew it, or take a new one: rtcctl cert import ${domain}`;
  if (certificate === undefined)
    return [say.error(`It has none, so that nobody can connect. ${renew}`)];
  const { names, problems } = certificate;
  const ascii = domainToAscii(domain);
  const isCovered = covers({ dns: names, ip: names, services: names, xmpp: names }, ascii, domain);
  const lacks = `does not name ${domain}`;
  return [
    checkLife(certificate, { say, renew, now, doubts }),
    ...(isCovered
      ? []
      : [say.error(`It ${lacks}, only ${names.join(', ') || 'nothing'}. ${renew}`)]),
    // What the dates and names tell is told already.
    ...problems
      .filter((problem) => !TOLD.test(problem) && problem !== `it ${lacks}`)
      .map((problem) => say.warning(`${problem}.`)),
  ];
}

const TOLD = /^it (?:expire[sd]|is valid only)/;

function checkLife(
  { domain, issuer, notBefore, notAfter, selfSigned }: CertificateInfo,
  {
    say,
    renew,
    now,
    doubts,
  }: {
    say: ReturnType<typeof findingsOn>;
    renew: string;
    now: number;
    doubts: readonly string[];
  },
): Finding {
  const date = new Date(notAfter).toISOString().slice(0, 10);
  const days = Math.floor((notAfter - now) / DAY_MS);
  if (notAfter <= now) return say.error(`It ended on ${date}. ${renew}`);
  if (notBefore > now) return say.error('It is not valid yet. Is the clock of this machine right?');
  if (selfSigned)
    return LOCAL_HOSTS.test(domain)
      ? say.ok(`It is self-signed, which is right for a trial; it ends on ${date}.`)
      : say.warning(
          `It is self-signed, so that clients warn of it. Have one signed: rtcctl cert request ${domain}`,
        );
  if (days < URGENT_DAYS) return say.error(`It ends in ${days} days, on ${date}. ${renew}`);
  if (days < SOON_DAYS) return say.warning(`It ends in ${days} days, on ${date}. ${renew}`);
  if (doubts.length > 0)
    return say.warning(
      `It ends on ${date}, but ${doubts.join('; ')}. Clients warn of it, and other servers that verify certificates fall back to dialback or refuse.`,
    );
  return say.ok(`It is by ${issuerName(issuer)} and ends on ${date}.`);
}

const LOCAL_HOSTS = /(?:^|\.)(?:localhost|local|test|example|invalid)$/;

/** Every socket on which the server is to listen or, on a port of its own choice, does. */
function socketsOf({ config, runtime }: Needs): ListenerInfo[] {
  const wanted = openListeners(config.current())
    .filter(({ port }) => port !== 0)
    .flatMap(({ name, interfaces, port }) =>
      interfaces.map((address) => ({ name, address, port })),
    );
  const names: readonly string[] = wanted.map(({ name }) => name);
  return [...wanted, ...runtime.listeners().filter(({ name }) => !names.includes(name))];
}

/** Checks one socket of the config: whether it answers or, on a stopped server, is free. */
export async function checkPort(
  { name, address, port }: ListenerInfo,
  { ports, isServing }: { ports: PortProbe; isServing: boolean },
): Promise<Finding> {
  const shown = address.includes(':') ? `[${address}]` : address;
  const say = findingsOn('port', `${name} ${shown}:${port}`);
  const change = `change listeners.${name}.port`;
  if (isServing) {
    if (await ports.answers(address, port)) return say.ok('It answers.');
    return say.error('It does not answer. The log says why; a restart may be needed.');
  }
  const state = await ports.state(address, port);
  switch (state.kind) {
    case 'free':
      return say.ok('It is free for the server.');
    case 'taken':
      return say.error(
        `It is in use by ${state.owner ?? 'another program'}. Stop that, or ${change}.`,
      );
    case 'forbidden':
      return say.error(`This user may not open it; it needs root. Or ${change} to 1024 or more.`);
    case 'no-address':
      if (address === '::1') return say.ok('This machine has no IPv6, so it is not opened.');
      return say.error(
        `This machine has no address ${address}. Change listeners.${name}.interfaces.`,
      );
    case 'failed':
      return say.error(`It cannot be opened (${state.code}).`);
  }
}
