/** Files that users uploaded, and the room that they take. */
import type { Hono } from 'hono';
import type { OperationFailure } from '../../core/operation.ts';
import {
  type AdminEnv,
  type Ask,
  type Desk,
  fieldsOf,
  filled,
  link,
  userPath,
  whole,
} from '../desk.tsx';
import { plural, sizeText } from '../text.ts';
import { Ago, Confirm, Empty, PageHeading, Pager, Search, Table, Time } from '../ui/parts.tsx';
import { type FileView, filesView, fileView, quotaView, type UsageView } from '../views/files.ts';

const PAGE = 50;
const LIST = '/admin/files';

const PURPOSES: Readonly<Record<FileView['purpose'], string>> = {
  message: 'In a message',
  profile: 'Of a profile',
  ephemeral: 'For a while',
  permanent: 'Permanent',
};

/** Adds the pages. */
export function addFilePages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => list(c, desk));
  app.get(`${LIST}/:id/delete`, (c) => confirm(c, desk));
  app.post(`${LIST}/:id/delete`, async (c) => {
    const { id } = c.req.param();
    const { search = '' } = await fieldsOf(c);
    const outcome = await desk.ask(c, 'files.delete', { id }, fileView.pick({ name: true }));
    if (!outcome.ok) return confirm(c, desk, outcome);
    return desk.done(c, link(LIST, { search }), `${outcome.value.name} is deleted.`);
  });
}

async function list(c: Ask, desk: Desk) {
  const head = { title: 'Files', area: 'files' } as const;
  const search = (c.req.query('search') ?? '').trim();
  const offset = whole(c.req.query('offset'), 0);
  const jid = filled({ jid: search });
  const [outcome, usage] = await Promise.all([
    desk.ask(c, 'files.list', { ...jid, offset, limit: PAGE }, filesView),
    desk.ask(c, 'files.quota', jid, quotaView),
  ]);
  const { files, total } = outcome.ok ? outcome.value : { files: [], total: 0 };
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Files"
        lead="What users uploaded. Whoever has the address of a file can open it."
      />
      {usage.ok ? <Usage rows={usage.value.usage} /> : null}
      <Search action={LIST} value={search} label="Files of a user, such as joe@example.com" />
      {outcome.ok ? null : <Empty>That is not the address of a user.</Empty>}
      {outcome.ok && files.length === 0 ? (
        <Empty>{search === '' ? 'There are no files.' : `${search} has no files.`}</Empty>
      ) : null}
      {files.length === 0 ? null : (
        <>
          <p class="quiet">{plural(total, 'file')}</p>
          <FileTable files={files} now={desk.clock.now()} search={search} />
        </>
      )}
      <Pager
        offset={offset}
        limit={PAGE}
        total={total}
        at={(from) => link(LIST, { search, offset: from })}
      />
    </>,
  );
}

/** How much room is taken, and how much there is. */
const Usage = ({ rows }: { rows: readonly UsageView[] }) => (
  <Table
    caption="Room"
    heads={['Room of', 'Files', 'Used', 'At most']}
    rows={rows.map(({ of, files, used, limit }) => [
      <span class="wrap">{of}</span>,
      files === undefined ? '' : String(files),
      limit === undefined ? (
        sizeText(used)
      ) : (
        <>
          <meter class="share" min={0} max={limit} high={limit * 0.9} value={used}>
            {`${Math.round((used / limit) * 100)} %`}
          </meter>
          {sizeText(used)}
        </>
      ),
      limit === undefined ? 'no limit' : sizeText(limit),
    ])}
  />
);

const FileTable = (props: { files: readonly FileView[]; now: number; search: string }) => (
  <Table
    caption="Files"
    isWide
    heads={['File', 'User', 'Size', 'Uploaded', 'Kept until', '']}
    rows={props.files.map((file) => [
      <>
        <a class="wrap" href={file.url} rel="noreferrer">
          {file.name}
        </a>
        <span class="second wrap">{file.type}</span>
      </>,
      <>
        <a class="wrap" href={userPath(file.jid)}>
          {file.jid}
        </a>
        <span class="second">{PURPOSES[file.purpose]}</span>
      </>,
      sizeText(file.size),
      <Ago at={file.stored} now={props.now} />,
      file.ends === undefined ? 'it is deleted' : <Time at={file.ends} />,
      <a
        class="button small"
        href={link(`${LIST}/${file.id}/delete`, { search: props.search })}
        data-dialog
      >
        Delete <span class="unseen">{file.name}</span>
      </a>,
    ])}
  />
);

async function confirm(c: Ask, desk: Desk, problem?: OperationFailure) {
  const head = { title: 'Delete a file', area: 'files' } as const;
  const { id = '' } = c.req.param() as { id?: string };
  const search = c.req.query('search') ?? '';
  const outcome = await desk.ask(c, 'files.show', { id }, fileView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { name, jid } = outcome.value;
  return desk.form(
    c,
    head,
    <Confirm
      title="Delete this file?"
      action={`${LIST}/${id}/delete`}
      csrf={c.get('session').csrf}
      button="Delete it"
      back={link(LIST, { search })}
      isDangerous
      problem={problem}
    >
      <input type="hidden" name="search" value={search} />
      <p class="wrap">
        {name}, of {jid}
      </p>
      <p>Whoever has not opened it yet will not find it any more.</p>
    </Confirm>,
    problem,
  );
}
