/** New certificates for a host: one made here, one asked of an authority, one that comes from elsewhere. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, type Fields, fieldsOf, hostPath } from '../desk.tsx';
import { Choice, Confirm, Field, PageHeading, Problem, Submit, Token } from '../ui/parts.tsx';

const HOST = '/admin/hosts/:domain';

/** Adds these pages. */
export function addCertificatePages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(`${HOST}/generate`, (c) => generateForm(c, desk, c.req.param('domain'), {}));
  app.post(`${HOST}/generate`, async (c) => {
    const domain = c.req.param('domain');
    const fields = await fieldsOf(c);
    const outcome = await desk.run(c, 'certificates.generate', wishOf(domain, fields));
    if (!outcome.ok) return generateForm(c, desk, domain, fields, outcome);
    return desk.done(c, hostPath(domain), `${domain} has a new self-signed certificate.`);
  });
  app.get(`${HOST}/request`, (c) => requestForm(c, desk, c.req.param('domain'), {}));
  app.post(`${HOST}/request`, async (c) => {
    const domain = c.req.param('domain');
    const fields = await fieldsOf(c);
    const outcome = await desk.ask(c, 'certificates.request', wishOf(domain, fields), requestView);
    if (!outcome.ok) return requestForm(c, desk, domain, fields, outcome);
    return desk.done(c, hostPath(domain), {
      tone: 'done',
      text: 'The request was made and its key is kept here. Give the request to an authority, then import the certificate that comes back.',
      detail: { label: 'Certificate request (PEM)', text: outcome.value.csr.trimEnd() },
    });
  });
  app.get(`${HOST}/import`, (c) => importForm(c, desk, c.req.param('domain')));
  app.post(`${HOST}/import`, (c) => importCertificate(c, desk, c.req.param('domain')));
}

const requestView = z.object({ csr: z.string() });

const wishOf = (domain: string, { names = '', keyType = 'ec' }: Fields) => ({
  domain,
  names: names.split(/[\s,]+/).filter((name) => name !== ''),
  keyType,
});

/** Faults of single names (`names.0`) belong to the one field. */
const namesFault = (problem: OperationFailure | undefined) =>
  Object.entries(problem?.fields ?? {}).find(([field]) => field.startsWith('names'))?.[1];

const WishFields = (props: { fields: Fields; problem: OperationFailure | undefined }) => (
  <>
    <Field
      name="names"
      label="Further names"
      value={props.fields['names']}
      hint="Such as conference.example.com; separated by spaces. May be left empty."
      fault={namesFault(props.problem)}
    />
    <Choice
      name="keyType"
      label="Key"
      value={props.fields['keyType']}
      options={[
        ['ec', 'EC P-256: fast, understood by all of today'],
        ['rsa', 'RSA: for very old clients'],
      ]}
      fault={props.problem?.fields?.['keyType']}
    />
  </>
);

function generateForm(
  c: Ask,
  desk: Desk,
  domain: string,
  fields: Fields,
  problem?: OperationFailure,
) {
  return desk.form(
    c,
    { title: `Certificate of ${domain}`, area: 'hosts' },
    <Confirm
      title={`Make a self-signed certificate for ${domain}?`}
      action={hostPath(domain, 'generate')}
      csrf={c.get('session').csrf}
      button="Make and use it"
      back={hostPath(domain)}
      problem={problem}
    >
      <p>
        It takes the place of the present one at once. Clients warn of it until they are told to
        trust it.
      </p>
      <WishFields fields={fields} problem={problem} />
    </Confirm>,
    problem,
  );
}

function requestForm(
  c: Ask,
  desk: Desk,
  domain: string,
  fields: Fields,
  problem?: OperationFailure,
) {
  return desk.form(
    c,
    { title: `Certificate request for ${domain}`, area: 'hosts' },
    <Confirm
      title={`Request a certificate for ${domain}`}
      action={hostPath(domain, 'request')}
      csrf={c.get('session').csrf}
      button="Make the request"
      back={hostPath(domain)}
      problem={problem}
    >
      <p>
        A new key is made and kept on this server. You get a text to give to an authority; the
        present certificate stays in use until you import the new one.
      </p>
      <WishFields fields={fields} problem={problem} />
    </Confirm>,
    problem,
  );
}

function importForm(
  c: Ask,
  desk: Desk,
  domain: string,
  fields: Fields = {},
  problem?: OperationFailure,
) {
  const faults = problem?.fields ?? {};
  return desk.form(
    c,
    { title: `Import a certificate for ${domain}`, area: 'hosts' },
    <>
      <PageHeading
        title={`Import a certificate for ${domain}`}
        lead="It is used at once; nobody is disconnected."
      />
      <form
        class="card form"
        method="post"
        enctype="multipart/form-data"
        action={hostPath(domain, 'import')}
      >
        <Problem problem={problem} />
        <Token csrf={c.get('session').csrf} />
        <Field
          name="certificate"
          label="Certificate with its chain (PEM)"
          rows={8}
          value={fields['certificate']}
          fault={faults['certificate']}
        />
        <Field name="certificateFile" label="Or a file" type="file" accept=".pem,.crt,.cer" />
        <Field
          name="key"
          label="Private key (PEM)"
          rows={6}
          hint="Not needed if the request was made here."
          fault={faults['key']}
        />
        <Field name="keyFile" label="Or a file" type="file" accept=".pem,.key" />
        <Submit back={hostPath(domain)}>Import and use it</Submit>
      </form>
    </>,
    problem,
  );
}

async function importCertificate(c: Ask, desk: Desk, domain: string) {
  const fields = await fieldsOf(c);
  const certificate = fields['certificateFile'] || (fields['certificate'] ?? '');
  const key = fields['keyFile'] || fields['key'] || undefined;
  const input = { domain, certificate, ...(key === undefined ? {} : { key }) };
  const outcome = await desk.run(c, 'certificates.import', input);
  // The key is not shown again: it is a secret.
  if (!outcome.ok) return importForm(c, desk, domain, fields, outcome);
  return desk.done(c, hostPath(domain), `${domain} uses the imported certificate.`);
}
