/** How the fault suite runs: `npm run test:faults`. Each case prints a line of what became of its events. */
import { defineConfig } from 'vitest/config';
import { TallyReporter } from './test/support/tally-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    globalSetup: './test/support/global-setup.ts',
    setupFiles: './test/support/contracts/setup.ts',
    reporters: ['default', new TallyReporter()],
    disableConsoleIntercept: true,
    maxWorkers: 4,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 40_000 } },
  },
});
