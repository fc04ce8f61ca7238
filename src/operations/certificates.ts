/** Operations on certificates. */
import { z } from 'zod';
import type { KeyKind } from '../certs/generate.ts';
import {
  type AnyOperation,
  failure,
  type OperationFailure,
  operation,
  success,
} from '../core/operation.ts';
import type { Domain } from '../jid/jid.ts';
import { certificateInfo, certificateInfoOf } from './certificate-info.ts';
import { domain, fileText } from './fields.ts';
import { unlessServed } from './refusals.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'certificates' | 'hosts'>;

const wish = z.object({
  domain,
  names: z
    .array(domain)
    .max(100)
    .default([])
    .describe('Names that it shall hold beside the domain and its components.'),
  keyType: z
    .enum(['ec', 'rsa', 'rsa-3072', 'rsa-4096'])
    .optional()
    .describe('Make a new key of this kind; without it, an earlier key is kept.'),
});

const keyOf = (keyType: KeyKind | undefined) => (keyType === undefined ? {} : { key: keyType });

const lifeOf = ({ notAfter }: { notAfter: number }) =>
  `It is valid until ${new Date(notAfter).toISOString().slice(0, 10)}.`;

/** Operations on certificates. */
export function certificateOperations(services: Needs): AnyOperation[] {
  return [list(services), generate(services), request(services), take(services)];
}

/** What a task answers, or the failure for files that cannot be written. */
async function withFiles<T>(task: () => Promise<T>): Promise<T | OperationFailure> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'path' in error)
      return failure('refused', `${String(error.path)} cannot be written (${String(error.code)}).`);
    throw error;
  }
}

/** The certificate that a host uses now. */
function inUse({ certificates }: Needs, of: Domain) {
  const info = certificates.info(of);
  return info === undefined
    ? failure('unavailable', `${of} has no certificate yet; rtcctl reload takes its host in.`)
    : success(certificateInfoOf(info));
}

function list({ certificates }: Needs): AnyOperation {
  return operation({
    name: 'certificates.list',
    command: ['cert', 'list'],
    summary: 'List the certificates in use.',
    effect: 'read',
    offline: true,
    input: z.object({}),
    output: z.object({ certificates: z.array(certificateInfo) }),
    run: () => success({ certificates: certificates.list().map(certificateInfoOf) }),
  });
}

function generate(services: Needs): AnyOperation {
  const { certificates, hosts } = services;
  return operation({
    name: 'certificates.generate',
    command: ['cert', 'generate'],
    summary: 'Make a self-signed certificate, and use it unless there is a better one.',
    effect: 'change',
    offline: true,
    positional: ['domain'],
    input: wish,
    output: certificateInfo,
    present: (used) =>
      used.source === 'self-signed'
        ? `${used.domain} has a new self-signed certificate. ${lifeOf(used)}\n` +
          `Clients warn of it. To have one signed: rtcctl cert request ${used.domain}`
        : `A self-signed certificate was made, but ${used.certificateFile} stays in use.`,
    run: ({ domain: of, names, keyType }) =>
      unlessServed(hosts, of) ??
      withFiles(async () => {
        await certificates.generateSelfSigned(of, { names, ...keyOf(keyType) });
        return inUse(services, of);
      }),
  });
}

function request({ certificates, hosts }: Needs): AnyOperation {
  return operation({
    name: 'certificates.request',
    command: ['cert', 'request'],
    summary: 'Make a certificate request (CSR) for an authority, and keep its key here.',
    effect: 'change',
    offline: true,
    positional: ['domain'],
    input: wish,
    output: z.object({ csr: z.string(), csrFile: z.string(), keyFile: z.string() }),
    present: ({ csr }) => csr.trimEnd(),
    run: ({ domain: of, names, keyType }) =>
      unlessServed(hosts, of) ??
      withFiles(async () => {
        const made = await certificates.requestCertificate(of, { names, ...keyOf(keyType) });
        return success({ csr: made.csrPem, csrFile: made.csrFile, keyFile: made.keyFile });
      }),
  });
}

function take(services: Needs): AnyOperation {
  const { certificates, hosts } = services;
  return operation({
    name: 'certificates.import',
    command: ['cert', 'import'],
    summary: 'Take a certificate that an authority has signed, and use it.',
    effect: 'change',
    offline: true,
    positional: ['domain'],
    secret: ['key'],
    input: z.object({
      domain,
      certificate: fileText('The certificate with its chain (PEM).'),
      key: fileText('The private key (PEM); not needed after rtcctl cert request.').optional(),
    }),
    output: certificateInfo,
    present: (used) => `${used.domain} has a certificate by ${used.issuer}. ${lifeOf(used)}`,
    run: ({ domain: of, certificate, key }) =>
      unlessServed(hosts, of) ??
      withFiles(async () => {
        const given = { domain: of, certificate, ...(key === undefined ? {} : { key }) };
        const taken = await certificates.importCertificate(given);
        if (taken.ok) return inUse(services, of);
        return failure('refused', `It was not taken: ${taken.problems.join('; ')}.`);
      }),
  });
}
