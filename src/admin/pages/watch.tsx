/** A live look at one account's stanzas. The script of the console reads the operation's lines. */
import type { Hono } from 'hono';
import type { AdminEnv, Desk } from '../desk.tsx';
import { Choice, Field, Note, PageHeading, Tick } from '../ui/parts.tsx';

const DURATIONS = [
  ['60', 'One minute'],
  ['300', 'Five minutes'],
  ['600', 'Ten minutes'],
] as const;

/** Adds this page. */
export function addWatchPage(app: Hono<AdminEnv>, desk: Desk): void {
  app.get('/admin/watch', (c) => {
    const { jid = '', seconds = '60', bodies } = c.req.query();
    return desk.page(
      c,
      { title: 'Watch', area: 'watch' },
      <>
        <PageHeading
          title="Watch"
          lead="What one account sends and receives, as it happens. Nothing is kept."
        />
        <form class="card form" method="get" action="/admin/watch" data-watch>
          <Field name="jid" label="Account" value={jid} hint="Such as joe@example.com." required />
          <Choice name="seconds" label="For" value={seconds} options={DURATIONS} />
          <Tick
            name="bodies"
            label="Show what people write"
            hint="Without it, texts are masked. Passwords always are. Ask the user first."
            checked={bodies === 'yes'}
          />
          <div class="actions">
            <button class="button primary" type="submit">
              Start
            </button>
            <button class="button" type="button" data-watch-stop hidden>
              Stop
            </button>
          </div>
        </form>
        <div data-scriptless>
          <Note tone="info">
            <p>
              The live view needs JavaScript. Without it, run{' '}
              <code>rtcctl watch {jid === '' ? 'joe@example.com' : jid}</code> on the server.
            </p>
          </Note>
        </div>
        <section aria-labelledby="stanzas" data-watch-view hidden>
          <div class="card-head">
            <h2 id="stanzas">Stanzas</h2>
            <p class="quiet" role="status" data-watch-state />
          </div>
          <ol class="stanzas" data-watch-list />
        </section>
      </>,
    );
  });
}
