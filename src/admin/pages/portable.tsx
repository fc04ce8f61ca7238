/** Accounts with all their data, from other servers and for them (XEP-0227). */
import type { Hono } from 'hono';
import { failure, type OperationFailure } from '../../core/operation.ts';
import { boundaryOf } from '../../http/multipart.ts';
import { deferred } from '../../kit/deferred.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, filled, watched } from '../desk.tsx';
import { type Gate, STALE } from '../gate.ts';
import { isoText, sizeText } from '../text.ts';
import { Ago, Choice, Field, Note, PageHeading, Problem, Tick, Token } from '../ui/parts.tsx';
import {
  type How,
  isOver,
  MOST_BYTES,
  type Unreceived,
  type Upload,
  type Uploads,
} from '../uploads.ts';
import { importView } from '../views/portable.ts';
import { ImportCounts, ImportSummary, PassedOver, People } from './import-report.tsx';

const PATH = '/admin/portable';
/** Where the page of a file is, and what is done with it. */
const STATE = `${PATH}/import`;
/** Whoever serves this bounds bodies here himself. */
export const UPLOAD_PATH = `${PATH}/upload`;
const HEAD = { title: 'Import and export', area: 'portable' } as const;
const ALL = '';

const REASONS: Readonly<Record<Exclude<Unreceived, 'stale'>, string>> = {
  empty: 'Choose a file that is not empty.',
  large: `The file is larger than ${sizeText(MOST_BYTES)}. Copy it to the machine of the server, and import it there with rtcctl import.`,
  full: 'There is not enough room on the disk of the server for this file and what is in it.',
  busy: 'A file is being read now. Wait until that has ended.',
  slow: 'The file came too slowly, or the line broke.',
  broken: 'The file did not come whole.',
};

/** Adds where files come in; before the gate that reads whole forms. */
export function addUploadOf(
  app: Hono<AdminEnv>,
  desk: Desk,
  { gate, uploads }: { gate: Gate; uploads: Uploads },
): void {
  app.post(UPLOAD_PATH, gate.uploads, async (c) => {
    const { body } = c.req.raw;
    const refuse = (problem: OperationFailure) => {
      c.header('Connection', 'close'); // what is not read is not waited for
      return start(c, desk, { uploads, problem });
    };
    if (!(await isOperator(c, desk))) return refuse(FORBIDDEN);
    const length = c.req.header('content-length');
    const by = c.get('session').account;
    const refused = await uploads.receive(by, {
      body,
      boundary: boundaryOf(c.req.header('content-type')),
      length: length === undefined ? undefined : Number(length),
      isOurs: (token) => gate.isTokenOf(c, token),
    });
    if (refused === 'stale') return c.text(STALE, 403);
    if (refused !== undefined) return refuse(failure('refused', REASONS[refused]));
    await begin(c, desk, uploads, { isDry: true, intoExisting: false, jid: '' });
    return c.redirect(STATE, 303);
  });
}

/** Adds the pages. */
export function addPortablePages(app: Hono<AdminEnv>, desk: Desk, uploads: Uploads): void {
  app.use(PATH, (c, next) => onlyOperators(c, desk, next));
  app.use(`${PATH}/*`, (c, next) => onlyOperators(c, desk, next));
  app.get(PATH, (c) => start(c, desk, { uploads }));
  app.get(STATE, (c) => showState(c, desk, uploads));
  app.post(STATE, async (c) => {
    const { act = '', jid = '', intoExisting } = await fieldsOf(c);
    const how = { isDry: act !== 'import', intoExisting: intoExisting === 'yes', jid: jid.trim() };
    await begin(c, desk, uploads, how);
    return c.redirect(STATE, 303);
  });
  app.post(`${PATH}/discard`, async (c) => {
    const isGone = await uploads.discard(c.get('session').account);
    if (!isGone) return c.redirect(STATE, 303);
    return desk.done(c, PATH, 'The file is no longer on the server.');
  });
  app.post(`${PATH}/export`, (c) => exportDocument(c, desk, uploads));
}

const FORBIDDEN = failure('forbidden', 'Only operators import and export accounts.');
const isOperator = async (c: Ask, desk: Desk) => (await desk.roleOf(c)) === 'operator';

async function onlyOperators(c: Ask, desk: Desk, next: () => Promise<void>) {
  if (await isOperator(c, desk)) return next();
  return desk.problem(c, HEAD, FORBIDDEN);
}

/** How long a page waits for an end; after that it shows how far it has come. */
const PATIENCE_MS = 1500;

/** Has the operation begin, and waits a moment for its end, which is told on the page of the file. */
async function begin(c: Ask, desk: Desk, uploads: Uploads, how: How): Promise<void> {
  const { isDry: dryRun, intoExisting, jid } = how;
  const input = { file: '-', dryRun, intoExisting, ...filled({ jid }) };
  const ended = uploads.begin(c.get('session').account, how, (source) =>
    desk.run(c, 'portable.import', input, source),
  );
  const soon = deferred<void>();
  const timer = desk.clock.after(PATIENCE_MS, soon.resolve);
  await Promise.race([ended, soon.promise]);
  timer.cancel();
}

interface Start {
  readonly uploads: Uploads;
  readonly problem?: OperationFailure;
  /** What was said of an export, and why there is none. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly fault?: OperationFailure;
}

/** The page on which both begin. */
function start(c: Ask, desk: Desk, { uploads, problem, fields = c.req.query(), fault }: Start) {
  const { csrf, account } = c.get('session');
  const upload = uploads.of(account);
  return desk.form(
    c,
    HEAD,
    <>
      <PageHeading
        title={HEAD.title}
        lead="Accounts with all their data, in files of XEP-0227, which other servers read and write, too."
      />
      <Problem problem={problem} />
      {upload === undefined ? null : <Waiting upload={upload} now={desk.clock.now()} />}
      <div class="columns">
        <section class="card" aria-labelledby="import">
          <h2 id="import">Import</h2>
          <form method="post" action={UPLOAD_PATH} enctype="multipart/form-data">
            <Token csrf={csrf} />
            <Field
              name="file"
              label="File"
              type="file"
              accept=".xml,application/xml,text/xml"
              required
              most={MOST_BYTES}
              hint="Passwords, contacts, messages, vCards and more. A file that names others is imported on the server, by rtcctl import."
            />
            <p>Nothing is changed yet: you are shown first what is in the file.</p>
            <div class="actions">
              <button class="button primary" type="submit">
                Upload and look
              </button>
            </div>
          </form>
        </section>
        <ExportCard csrf={csrf} domains={desk.domains(c)} fields={fields} fault={fault} />
      </div>
    </>,
    problem ?? fault,
  );
}

/** A file that is here already. */
const Waiting = ({ upload, now }: { upload: Upload; now: number }) => (
  <Note tone="info">
    <p class="wrap">
      {`${upload.name}, which you uploaded `}
      <Ago at={upload.at} now={now} />
      {upload.work.outcome === undefined
        ? ', is being read. '
        : isOver(upload)
          ? ', was imported. '
          : ', waits. '}
      <a href={STATE}>{isOver(upload) ? 'See what it brought' : 'Go on with it'}</a>
    </p>
  </Note>
);

const ExportCard = (props: {
  csrf: string;
  domains: readonly string[];
  fields: Readonly<Record<string, string>>;
  fault: OperationFailure | undefined;
}) => {
  const { jid = '', host = ALL, credentials } = props.fields;
  const { fault } = props;
  return (
    <section class="card" aria-labelledby="export">
      <h2 id="export">Export</h2>
      {fault?.fields === undefined ? <Problem problem={fault} /> : null}
      <form method="post" action={`${PATH}/export`}>
        <Token csrf={props.csrf} />
        <Choice
          name="host"
          label="Accounts of"
          value={host}
          options={[
            [ALL, 'all domains'],
            ...props.domains.map((domain) => [domain, domain] as const),
          ]}
        />
        <Field
          name="jid"
          label="Only this account"
          value={jid}
          hint="Such as joe@example.com; empty for all."
          fault={fault?.fields?.['jid']}
        />
        <Tick
          name="credentials"
          label="With the keys of passwords"
          hint="People keep their passwords on the other server then. Keep the file as safe as these: whoever has it can try them."
          checked={credentials === 'yes'}
        />
        <div class="actions">
          <button class="button primary" type="submit">
            Download
          </button>
        </div>
      </form>
    </section>
  );
};

function showState(c: Ask, desk: Desk, uploads: Uploads) {
  const { csrf, account } = c.get('session');
  const upload = uploads.of(account);
  if (upload === undefined) return c.redirect(PATH, 303);
  const { name, size, at, work } = upload;
  const isRunning = work.outcome === undefined;
  return desk.page(
    c,
    { title: `Import of ${name}`, area: HEAD.area },
    <>
      <PageHeading
        title={`Import of ${name}`}
        lead={
          <>
            {`${sizeText(size)}, uploaded `}
            <Ago at={at} now={desk.clock.now()} />
          </>
        }
      />
      <div class="parts" id="import-state" data-refresh={isRunning ? '2' : undefined}>
        {isRunning ? (
          <Progress upload={upload} />
        ) : (
          <Ended desk={desk} upload={upload} csrf={csrf} />
        )}
      </div>
    </>,
  );
}

const Progress = ({ upload: { size, work } }: { upload: Upload }) => (
  <section class="card">
    <p role="status">{work.isDry ? 'The file is looked through…' : 'The file is imported…'}</p>
    <progress class="share" max={size} value={work.read} aria-label="Read of the file" />
    <p class="quiet">
      {`${sizeText(work.read)} of ${sizeText(size)}. It goes on when you leave this page; its end is told here.`}
    </p>
    <noscript>
      <a class="button" href={STATE}>
        Look again
      </a>
    </noscript>
  </section>
);

const Ended = ({ desk, upload, csrf }: { desk: Desk; upload: Upload; csrf: string }) => {
  const { name, work } = upload;
  const { isDry, outcome } = work;
  if (outcome === undefined) return null;
  const read = desk.read('portable.import', outcome, importView);
  return (
    <>
      {read.ok ? <ImportSummary value={read.value} isDry={isDry} /> : <Problem problem={read} />}
      <div class="columns">
        {read.ok ? <ImportCounts value={read.value} isDry={isDry} /> : null}
        {isOver(upload) ? (
          <Over csrf={csrf} />
        ) : (
          <Next work={work} csrf={csrf} fault={read.ok ? undefined : read.fields?.['jid']} />
        )}
      </div>
      {read.ok ? (
        <>
          <PassedOver value={read.value} file={name} />
          <People value={read.value} isDry={isDry} />
        </>
      ) : null}
    </>
  );
};

/** What can be done with a file that was looked at. */
const Next = (props: { work: How; csrf: string; fault: string | undefined }) => (
  <section class="card" aria-labelledby="next">
    <h2 id="next">Import it</h2>
    <form method="post" action={STATE}>
      <Token csrf={props.csrf} />
      <Tick
        name="intoExisting"
        label="Add to accounts that exist already"
        hint="They are given what they lack; their own data and passwords stay."
        checked={props.work.intoExisting}
      />
      <Field
        name="jid"
        label="Only this account"
        value={props.work.jid}
        hint="Such as joe@example.com; empty for all."
        fault={props.fault}
      />
      <div class="actions">
        <button class="button primary" type="submit" name="act" value="import">
          Import
        </button>
        <button class="button" type="submit" name="act" value="look">
          Look again
        </button>
      </div>
    </form>
    <Discard csrf={props.csrf}>Discard the file</Discard>
  </section>
);

const Over = ({ csrf }: { csrf: string }) => (
  <section class="card" aria-labelledby="over">
    <h2 id="over">What now</h2>
    <p>
      The file is no longer on the server. This report stays for two hours; the audit log says who
      imported.
    </p>
    <div class="actions">
      <a class="button primary" href="/admin/users">
        See the users
      </a>
    </div>
    <Discard csrf={csrf}>Close the report</Discard>
  </section>
);

const Discard = ({ csrf, children }: { csrf: string; children?: string }) => (
  <form method="post" action={`${PATH}/discard`}>
    <Token csrf={csrf} />
    <div class="actions">
      <button class="button" type="submit">
        {children}
      </button>
    </div>
  </form>
);

async function exportDocument(c: Ask, desk: Desk, uploads: Uploads) {
  const fields = await fieldsOf(c);
  const { host = '', jid = '', credentials } = fields;
  const chosen = filled({ host, jid: jid.trim() });
  const input = { file: '-', ...chosen, credentials: credentials === 'yes' };
  const outcome = await desk.run(c, 'portable.export', input);
  if (!outcome.ok) return start(c, desk, { uploads, fields, fault: outcome });
  const of = chosen['jid'] ?? chosen['host'] ?? 'accounts';
  const name = encodeURIComponent(`${of}-${isoText(desk.clock.now()).slice(0, 10)}.xml`);
  return c.body(textOf(watched(outcome.value, c.req.raw.signal)), 200, {
    'Content-Type': 'application/xml; charset=utf-8',
    'Content-Disposition': `attachment; filename*=UTF-8''${name}`,
  });
}

/** The pieces of a document as bytes, as fast as they are read. */
function textOf(pieces: AsyncGenerator<unknown>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await pieces.next();
        if (next.done !== true && typeof next.value === 'string') {
          controller.enqueue(encoder.encode(next.value));
          return;
        }
        controller.close();
        await pieces.return(undefined);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
