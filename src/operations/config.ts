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
        warnings: z
          .array(fault)
          .describe('What is missing or cannot be used, though a reload would take the files.'),
      }),
      present: ({ faults, warnings }) =>
        [
          ...faults.map(formatFault),
          ...warnings.map((each) => `warning: ${formatFault(each)}`),
          faults.length > 0 ? counted(faults.length) : verdictOn(warnings.length),
        ].join('\n'),
      async run() {
        const { faults, warnings } = await config.check();
        return success({
          healthy: faults.length === 0,
          faults: faults.map((each) => ({ ...each })),
          warnings: warnings.map((each) => ({ ...each })),
        });
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

/** What is said of files that a reload would take. */
const verdictOn = (warnings: number) =>
  warnings === 0 ? 'The config is good.' : 'A reload would take it; mind the warnings.';

const counted = (faults: number) => (faults === 1 ? 'One fault.' : `${faults} faults.`);
