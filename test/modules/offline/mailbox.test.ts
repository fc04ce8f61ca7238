import { expect, test, vi } from 'vitest';
import type { Home } from '../../../src/core/module.ts';
import { Parcel } from '../../../src/core/parcel.ts';
import type { Session } from '../../../src/core/sessions.ts';
import type { Story } from '../../../src/core/story.ts';
import { parseFull } from '../../../src/jid/jid.ts';
import { deferred } from '../../../src/kit/deferred.ts';
import { createMailbox } from '../../../src/modules/offline/mailbox.ts';
import type { Spool, SpoolLimits, Waiting } from '../../../src/modules/offline/spool.ts';
import { message } from '../../../src/stanza/build.ts';
import { el, serialise } from '../../../src/xml/element.ts';
import { bare } from '../../operations/support.ts';
import { manualClock } from '../../support/clock.ts';

test('what was being written while it was read is not given to who holds it', async () => {
  const joe = bare('joe@falcot.com');
  const phone = parseFull('joe@falcot.com/phone');
  if (!phone.ok) return expect.fail(phone.why);
  const clock = manualClock();
  const story: Story = { isOn: false, note() {}, about: () => () => {} };
  const send = vi.fn();
  const session = {
    jid: phone.value,
    account: joe,
    isAttached: true,
    isManaged: true,
    presence: {},
    priority: 0,
    room: () => undefined,
    send,
  } as unknown as Session;
  const page = deferred<Waiting[]>();
  const written = deferred<void>();
  const row = { id: 1, bytes: 10 };
  const add = vi.fn(() => ({ row, written: written.promise }));
  const spool = { next: () => page.promise, add, free() {} } as unknown as Spool;
  const mailbox = createMailbox(
    {
      clock,
      story,
      accounts: { isTemporary: () => false },
      sessions: { of: () => [session], at: () => session },
      configOf: () => ({}),
    } as unknown as Home<SpoolLimits>,
    spool,
    { has: () => false, holds: () => false },
  );

  const delivered = mailbox.deliver(session);
  const hi = message({ from: joe, to: joe, children: [el('body', undefined, 'hi')] });
  const parcel = new Parcel(hi, joe, clock.now(), story, () => {});
  void mailbox.follow(parcel);
  parcel.hand([session]);
  clock.advance(2000);
  expect(add).toHaveBeenCalledOnce();
  page.resolve([{ ...row, stanza: serialise(hi.element), serial: undefined, content: undefined }]);
  await new Promise(setImmediate);
  written.resolve();
  await delivered;
  expect(send).not.toHaveBeenCalled();
});
