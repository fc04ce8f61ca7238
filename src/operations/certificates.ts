/** Operations on certificates. */
import { z } from 'zod';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { certificateInfo, certificateInfoOf } from './certificate-info.ts';
import { domain, fileText, hidden, time } from './fields.ts';
import { unlessServed } from './refusals.ts';
import type { CertificateInfo, Services } from './services.ts';

type Needs = Pick<Services, 'certificates' | 'hosts'>;

const wish = z.object({
  domain,
  names: z
    .array(domain)
    .max(100)
    .default([])
    .describe('Further names that it shall hold, such as components.'),
  keyType: z.enum(['ec', 'rsa']).default('ec').describe('The kind of key: EC P-256 or RSA.'),
});

const listed = z.object({
  domain: z.string(),
  issuer: z.string(),
  notAfter: time,
  names: z.array(z.string()),
  keyType: z.string(),
  selfSigned: hidden(z.boolean()),
  notBefore: hidden(time),
  file: hidden(z.string()),
  fingerprint: hidden(z.string()),
});

const lifeOf = ({ notAfter }: { notAfter: number }) =>
  `It is valid until ${new Date(notAfter).toISOString().slice(0, 10)}.`;

/** Operations on certificates. */
export function certificateOperations({ certificates, hosts }: Needs): AnyOperation[] {
  const answer = (
    made:
      | { readonly ok: true; readonly value: CertificateInfo }
      | { readonly ok: false; readonly text: string },
  ) => (made.ok ? success(certificateInfoOf(made.value)) : failure('refused', made.text));
  return [
    operation({
      name: 'certificates.list',
      command: ['cert', 'list'],
      summary: 'List the certificates in use.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: z.object({ certificates: z.array(listed) }),
      run: () => success({ certificates: certificates.list().map(certificateInfoOf) }),
    }),
    operation({
      name: 'certificates.generate',
      command: ['cert', 'generate'],
      summary: 'Make a self-signed certificate with a new key, and use it.',
      effect: 'change',
      offline: true,
      positional: ['domain'],
      input: wish,
      output: certificateInfo,
      present: (made) =>
        `${made.domain} has a new self-signed certificate. ${lifeOf(made)}\n` +
        'Clients warn of it until an authority has signed one: rtcctl cert request.',
      run: async (input) =>
        unlessServed(hosts, input.domain) ?? answer(await certificates.generate(input)),
    }),
    operation({
      name: 'certificates.request',
      command: ['cert', 'request'],
      summary: 'Make a certificate request (CSR) for an authority, and keep its key.',
      effect: 'change',
      offline: true,
      positional: ['domain'],
      input: wish,
      output: z.object({ csr: z.string(), keyFile: z.string() }),
      present: ({ csr }) => csr.trimEnd(),
      async run(input) {
        const unserved = unlessServed(hosts, input.domain);
        if (unserved !== undefined) return unserved;
        const made = await certificates.request(input);
        return made.ok ? success(made.value) : failure('refused', made.text);
      },
    }),
    operation({
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
      present: (taken) => `${taken.domain} has a certificate by ${taken.issuer}. ${lifeOf(taken)}`,
      run: async (input) =>
        unlessServed(hosts, input.domain) ??
        answer(await certificates.import(input.domain, input.certificate, input.key)),
    }),
  ];
}
