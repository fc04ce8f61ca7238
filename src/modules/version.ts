/** XEP-0092: Software Version, and the same in disco#info (XEP-0232). */
import { release, type } from 'node:os';
import { z } from 'zod';
import { onIq, reply } from '../core/iq.ts';
import { defineModule } from '../core/module.ts';
import { PROGRAM } from '../kit/program.ts';
import { formElement } from '../stanza/form.ts';
import { childText, optional, payload } from '../xml/codec.ts';

/** `<query/>`: empty in a request; `name` and `version` are required in an answer (§2). */
export const Version = payload('query', 'jabber:iq:version', {
  name: optional(childText('name')),
  version: optional(childText('version')),
  os: optional(childText('os')),
});

const SOFTWARE_INFO = 'urn:xmpp:dataforms:softwareinfo';

const config = z.object({
  showOs: z
    .boolean()
    .default(false)
    .describe('Whether the operating system is told to those who ask for the software version.'),
});

/** The module. */
export const version = defineModule({
  name: 'version',
  specs: [
    { xep: 92, version: '1.1', covers: 'complete' },
    { xep: 232, version: '0.3', covers: 'complete', note: 'without an icon' },
  ],
  features: [Version.ns],
  config,
  setup: ({ configOf }) => ({
    serverForms(host) {
      const told = configOf(host).showOs ? { os: type(), os_version: release() } : {};
      const all = { ...told, software: PROGRAM.name, software_version: PROGRAM.version };
      const fields = Object.entries(all).map(([name, value]) => ({ name, values: [value] }));
      return [formElement({ type: 'result', formType: SOFTWARE_INFO, fields })];
    },
    iq: [
      onIq('get', ['server'], Version, ({ host }) => {
        const os = configOf(host).showOs ? `${type()} ${release()}` : undefined; // §5
        return reply.result(Version.encode({ name: PROGRAM.name, version: PROGRAM.version, os }));
      }),
    ],
  }),
});
