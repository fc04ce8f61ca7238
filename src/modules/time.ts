/** XEP-0202: Entity Time. */
import { onIq, reply } from '../core/iq.ts';
import { defineModule } from '../core/module.ts';
import { childText, optional, payload } from '../xml/codec.ts';
import { writeDateTime } from '../xml/date-time.ts';

/** `<time/>`: empty in a request, with both children in an answer (§2). */
export const Time = payload('time', 'urn:xmpp:time', {
  tzo: optional(childText('tzo')),
  utc: optional(childText('utc')),
});

/**
 * A time zone as XEP-0082 §3.2 writes it.
 * @param minutes what has to be added to UTC to have the local time
 */
export function writeOffset(minutes: number): string {
  const total = Math.abs(minutes);
  const [hours, rest] = [Math.floor(total / 60), total % 60];
  const digits = (value: number) => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${digits(hours)}:${digits(rest)}`;
}

/** The module. */
export const time = defineModule({
  name: 'time',
  specs: [{ xep: 202, version: '2.0', covers: 'complete' }],
  features: [Time.ns],
  setup: ({ clock }) => ({
    iq: [
      onIq('get', ['server', 'self'], Time, () => {
        const now = clock.now();
        const tzo = writeOffset(-new Date(now).getTimezoneOffset());
        return reply.result(Time.encode({ tzo, utc: writeDateTime(now) }));
      }),
    ],
  }),
});
