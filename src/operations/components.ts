/** Operations on components. */
import { z } from 'zod';
import { type AnyOperation, operation, success } from '../core/operation.ts';
import { time } from './fields.ts';
import type { Services } from './services.ts';

/** Operations on components. */
export function componentOperations({ components }: Pick<Services, 'components'>): AnyOperation[] {
  return [
    operation({
      name: 'components.list',
      command: ['component', 'list'],
      summary: 'List the components, and which of them are connected.',
      effect: 'read',
      offline: true,
      input: z.object({}),
      output: z.object({
        components: z.array(
          z.object({
            domain: z.string(),
            host: z.string(),
            connected: z.boolean(),
            remote: z.string().describe('The address of its program; empty while it is away.'),
            since: time.nullable(),
            lastActive: time.nullable(),
          }),
        ),
      }),
      run: () =>
        success({
          components: components.list().map(({ domain, host, connection }) => ({
            domain,
            host,
            connected: connection !== undefined,
            remote: connection?.remote ?? '',
            since: connection?.since ?? null,
            lastActive: connection?.lastActive ?? null,
          })),
        }),
    }),
  ];
}
