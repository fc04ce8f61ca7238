import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

/** Files that replace a module for all that is loaded after them. */
const ALONE = ['test/wire/unknown-users.test.ts'];

export default defineConfig({
  test: {
    // Most tests wait for sockets and other programs; the usual "one less than cores" leaves a core idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, ...ALONE],
          // What a file loads is loaded once for all that follow it in the same process, which is a third of
          // the whole time. Nothing in src/ keeps anything outside of what is made and ended by a test.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
