/** The operations that modules bring, which only a server that runs has. */
import type { AnyOperation } from '../../src/core/operation.ts';
import { modules } from '../../src/modules/index.ts';
import { startScene } from './scene.ts';

/** All of them, to be described. */
export async function moduleOperations(): Promise<readonly AnyOperation[]> {
  const scene = await startScene({ modules, accounts: [] });
  const { operations } = scene.registry;
  await scene.stop();
  return operations;
}
