/** How the tests run: all on the same private servers, four files at a time: they mostly wait. */
import { configDefaults, defineConfig } from 'vitest/config';
import { TallyReporter } from './test/support/tally-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These take minutes: vitest.faults.config.ts.
    exclude: [...configDefaults.exclude, 'test/faults/**'],
    globalSetup: './test/support/global-setup.ts',
    setupFiles: './test/support/contracts/setup.ts',
    reporters: ['default', new TallyReporter()],
    maxWorkers: 4,
    // A machine that does much beside these takes many times as long for all that they wait for.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A second, as it is by default, is what a busy machine may take for anything.
    expect: { poll: { timeout: 40_000 } },
  },
});
