/**
 * How the fault suite runs: `npm run test:faults`. Each case prints a line of what became of its events. Most of the time
 * something is away and is waited for, so that many files run side by side.
 */
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { SlowestFilesReporter } from './test/support/slowest-files-reporter.ts';
import { TallyReporter } from './test/support/tally-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    globalSetup: './test/support/global-setup.ts',
    setupFiles: './test/support/contracts/setup.ts',
    reporters: ['default', new SlowestFilesReporter(), new TallyReporter()],
    disableConsoleIntercept: true,
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 40_000 } },
  },
});
