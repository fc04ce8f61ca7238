import { expect, test, vi } from 'vitest';
import type { Home } from '../../../src/core/module.ts';
import { Parcel } from '../../../src/core/parcel.ts';
import type { Session } from '../../../src/core/sessions.ts';
import type { Story } from '../../../src/core/story.ts';
import { deferred } from '../../../src/kit/deferred.ts';
import { createMailbox } from '../../../src/modules/offline/mailbox.ts';
import type { Spool, SpoolLimits, Waiting } from '../../../src/modules/offline/spool.ts';
import { message } from '../../../src/stanza/build.ts';
import { el, serialise } from '../../../src/xml/element.ts';
import { bare } from '../../operations/support.ts';
import { manualClock } from '../../support/clock.ts';

const joe = bare('joe@falcot.com');
const row = { id: 1, bytes: 10 };
const hi = message({ from: joe, to: joe, children: [el('body', undefined, 'hi')] });

/** The mailbox of one who has these sessions, and a spool that answers when a test says so. */
function stage(sessions: readonly Session[]) {
  const clock = manualClock();
  const story: Story = { isOn: false, note() {}, about: () => () => {} };
  const page = deferred<Waiting[]>();
  const written = deferred<void>();
  const add = vi.fn(() => ({ row, written: written.promise }));
  const spool = { next: () => page.promise, add, free() {} } as unknown as Spool;
  const mailbox = createMailbox(
    {
      clock,
      story,
      accounts: { isTemporary: () => false },
      sessions: { of: () => sessions, at: () => sessions[0] },
      configOf: () => ({}),
    } as unknown as Home<SpoolLimits>,
    spool,
    { has: () => false, holds: () => false },
  );
  /** A message that sessions were given. */
  const given = (): Parcel => {
    const parcel = new Parcel(hi, joe, clock.now(), story, () => {});
    parcel.hand(sessions);
    void mailbox.follow(parcel);
    return parcel;
  };
  return { clock, page, written, add, mailbox, given };
}

const sessionThat = (is: { readonly isAttached: boolean }, send = vi.fn()) =>
  ({
    ...is,
    account: joe,
    isManaged: true,
    presence: {},
    priority: 0,
    room() {},
    send,
  }) as unknown as Session;

test('what was being written while it was read is not given to who holds it', async () => {
  const send = vi.fn();
  const phone = sessionThat({ isAttached: true }, send);
  const { clock, page, written, add, mailbox, given } = stage([phone]);
  const delivered = mailbox.deliver(phone);
  given();
  clock.advance(2000);
  expect(add).toHaveBeenCalledOnce();
  page.resolve([{ ...row, stanza: serialise(hi.element), serial: undefined, content: undefined }]);
  await new Promise(setImmediate);
  written.resolve();
  await delivered;
  expect(send).not.toHaveBeenCalled();
});

test('what one who sleeps is left with is written at once, and known by its row', async () => {
  const asleep = sessionThat({ isAttached: false });
  const desk = sessionThat({ isAttached: true });
  const { written, add, mailbox, given } = stage([asleep, desk]);
  const parcel = given();
  expect(add).not.toHaveBeenCalled();
  parcel.returned(desk);
  mailbox.left(desk);
  expect(add).toHaveBeenCalledOnce();
  written.resolve();
  expect(await parcel.place).toEqual(row);
});
