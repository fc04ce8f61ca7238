/** The room of a host, asked for by several accounts at once. */
import { expect, test } from 'vitest';
import type { Home } from '../../../src/core/module.ts';
import type { BareJid } from '../../../src/jid/jid.ts';
import { systemClock } from '../../../src/kit/clock.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createDesk } from '../../../src/modules/upload/desk.ts';
import { type UploadSettings, uploadConfig } from '../../../src/modules/upload/settings.ts';
import { createSlots } from '../../../src/modules/upload/slots.ts';
import type { FileTables } from '../../../src/modules/upload/tables.ts';
import { iqGet } from '../../../src/stanza/build.ts';
import type { Iq } from '../../../src/stanza/stanza.ts';
import { el } from '../../../src/xml/element.ts';
import { bare, domainNamed } from '../../operations/support.ts';
import { NS, SERVICE } from './stage.ts';

const HOST = domainNamed('montague.tld');

test('no more is granted than a host has room for, though several ask at once', async () => {
  let look = () => {};
  const looked = new Promise<void>((resolve) => {
    look = resolve;
  });
  const none = async () => ({ files: 0, bytes: 0 });
  const tables = {
    usageOn: async () => 0,
    usageOf: none,
    async usageOfHost() {
      await looked;
      return none();
    },
  } as unknown as FileTables; // what is asked of them
  const answers: Iq[] = [];
  const home = {
    clock: systemClock,
    metrics: createMetrics({ process: false }),
    log: { warn: () => {} },
    accounts: { get: async (jid: BareJid) => ({ jid }) },
    web: { publicUrl: () => 'https://montague.tld' },
    configOf: () => uploadConfig.parse({ hostQuota: '1MiB' }),
    route: async (iq: Iq) => void answers.push(iq),
  } as unknown as Home<UploadSettings>; // what the desk reads of it
  const desk = createDesk({ home, tables, slots: createSlots(systemClock) });
  const ask = (from: string) => {
    const payload = el('request', { xmlns: NS, filename: 'film.mp4', size: 700_000 });
    const iq = iqGet({ from: bare(from), to: domainNamed(SERVICE), payload });
    return desk(iq, domainNamed(SERVICE), HOST);
  };
  const asked = [ask('romeo@montague.tld'), ask('mercutio@montague.tld')];
  await new Promise((resolve) => setImmediate(resolve)); // both have come as far as they can
  look();
  expect((await Promise.all(asked)).map(({ kind }) => kind)).toEqual(['handled', 'bounce']);
  expect(answers).toHaveLength(1);
});
