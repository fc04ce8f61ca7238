/** Operations on the log. */
import { z } from 'zod';
import { closest } from '../config/closest.ts';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import { LOG_LEVELS } from '../kit/log.ts';
import type { Services } from './services.ts';

const logLevel = z.enum(LOG_LEVELS);
const levels = z.object({ levels: z.array(z.object({ area: z.string(), level: logLevel })) });

/** Operations on the log. */
export function logOperations({ log }: Pick<Services, 'log'>): AnyOperation[] {
  const told = () => ({
    levels: Object.entries(log.levels()).map(([area, level]) => ({ area, level })),
  });
  return [
    operation({
      name: 'log.levels',
      command: ['log', 'levels'],
      summary: 'Show how much each area logs; * is for those without a level of their own.',
      effect: 'read',
      input: z.object({}),
      output: levels,
      run: () => success(told()),
    }),
    operation({
      name: 'log.level',
      command: ['log', 'level'],
      summary: 'Set how much an area, or all without a level of their own, logs until a restart.',
      effect: 'change',
      positional: ['level', 'area'],
      input: z.object({
        level: logLevel.describe('How much.'),
        area: z.string().max(100).optional().describe('An area that rtcctl log levels lists.'),
      }),
      output: levels,
      run({ level, area }) {
        const named = area === '*' ? undefined : area;
        const areas = Object.keys(log.levels()).filter((each) => each !== '*');
        if (named !== undefined && !areas.includes(named)) {
          const meant = closest(named, areas);
          const hint =
            meant === undefined ? `areas: ${areas.join(', ')}` : `did you mean ${meant}?`;
          return failure('not-found', `There is no area ${named}; ${hint}`);
        }
        log.setLevel(level, named);
        return success(told());
      },
    }),
  ];
}
