/** The operations of the server itself; modules bring their own. */
import type { AnyOperation } from '../core/operation.ts';
import { accountOperations } from './accounts.ts';
import { archiveOperations } from './archive.ts';
import { auditOperations } from './audit.ts';
import { certificateOperations } from './certificates.ts';
import { checkOperations } from './check.ts';
import { componentOperations } from './components.ts';
import { configOperations } from './config.ts';
import { deviceOperations } from './devices.ts';
import { dnsOperations } from './dns.ts';
import { federationOperations } from './federation.ts';
import { hostOperations } from './hosts.ts';
import { logOperations } from './log.ts';
import { portableOperations } from './portable.ts';
import { roomOperations } from './rooms.ts';
import { serverOperations } from './server.ts';
import type { Services } from './services.ts';
import { sessionOperations } from './sessions.ts';
import { storyOperations } from './story.ts';
import { watchOperations } from './watch.ts';

/** All operations, in the order in which help lists them. */
export function allOperations(services: Services): AnyOperation[] {
  return [
    ...accountOperations(services),
    ...deviceOperations(services),
    ...sessionOperations(services),
    ...portableOperations(services),
    ...archiveOperations(services),
    ...hostOperations(services),
    ...componentOperations(services),
    ...roomOperations(services),
    ...serverOperations(services),
    ...checkOperations(services),
    ...configOperations(services),
    ...certificateOperations(services),
    ...dnsOperations(services),
    ...federationOperations(services),
    ...logOperations(services),
    ...storyOperations(services),
    ...watchOperations(services),
    ...auditOperations(services),
  ];
}

/**
 * The operations without a server behind them: to describe them and to present their values, never
 * to run them.
 */
export function declaredOperations(): AnyOperation[] {
  return allOperations(nowhere);
}

/** Nothing: operations take their services apart when they are declared, and use them when they run. */
const nowhere = {} as Services;
