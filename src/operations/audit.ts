/** Operations on the audit log. */
import { z } from 'zod';
import { type AnyOperation, operation, success } from '../core/operation.ts';
import { hidden, limit, time } from './fields.ts';
import type { Services } from './services.ts';

/** Operations on the audit log. */
export function auditOperations({ audit }: Pick<Services, 'audit'>): AnyOperation[] {
  return [
    operation({
      name: 'audit.list',
      command: ['audit', 'list'],
      summary: 'List what admins changed or looked at that is private, newest first.',
      effect: 'read',
      offline: true,
      input: z.object({
        before: z.int().min(1).optional().describe('Only entries with a smaller id.'),
        limit: limit(50),
      }),
      output: z.object({
        entries: z.array(
          z.object({
            id: z.int(),
            at: time,
            actor: z.string(),
            via: z.string(),
            remote: hidden(z.string()),
            operation: z.string(),
            outcome: z.string(),
            input: z.string().describe('As JSON, without secrets.'),
          }),
        ),
      }),
      async run({ before, limit: most }) {
        const entries = await audit.list({
          ...(before === undefined ? {} : { before }),
          limit: most,
        });
        return success({ entries: entries.map((entry) => ({ ...entry })) });
      },
    }),
  ];
}
