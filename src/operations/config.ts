/** Operations on the config. */
import { z } from 'zod';
import { formatFault } from '../config/check.ts';
import { type AnyOperation, operation, success } from '../core/operation.ts';
import { wholeText } from './fields.ts';
import type { Services } from './services.ts';

const fault = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  key: z.string(),
  message: z.string(),
});

/** Operations on the config. */
export function configOperations({ config }: Pick<Services, 'config'>): AnyOperation[] {
  const text = z.object({ text: wholeText });
  return [
    operation({
      name: 'config.check',
      command: ['config', 'check'],
      summary: 'Check the config files as they stand; takes nothing.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: z.object({
        healthy: z.boolean().describe('Whether a reload would take them.'),
        faults: z.array(fault),
      }),
      present: ({ faults }) =>
        faults.length === 0
          ? 'The config is good.'
          : [...faults.map(formatFault), counted(faults.length)].join('\n'),
      async run() {
        const faults = (await config.check()).map((each) => ({ ...each }));
        return success({ healthy: faults.length === 0, faults });
      },
    }),
    operation({
      name: 'config.show',
      command: ['config', 'show'],
      summary: 'Show the config in force, and where each value comes from.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: text,
      run: () => success({ text: config.show() }),
    }),
    operation({
      name: 'config.reference',
      command: ['config', 'reference'],
      summary: 'Explain every key of the config.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: text,
      run: () => success({ text: config.reference() }),
    }),
  ];
}

const counted = (faults: number) => (faults === 1 ? 'One fault.' : `${faults} faults.`);
