/** How the tests run: all on the same private servers, more files at a time than there are cores: they mostly wait. */
import { configDefaults, defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { SlowestFilesReporter } from './test/support/slowest-files-reporter.ts';
import { TallyReporter } from './test/support/tally-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These take minutes: vitest.faults.config.ts.
    exclude: [...configDefaults.exclude, 'test/faults/**'],
    globalSetup: './test/support/global-setup.ts',
    setupFiles: './test/support/contracts/setup.ts',
    reporters: ['default', new SlowestFilesReporter(), new TallyReporter()],
    maxWorkers: 5,
    // To load all modules for each file anew takes more than the tests of most. What a test leaves behind in a module, a
    // later file of the same worker finds: state MUST be made by the test that uses it.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // What is awaited has bounds of its own, which say what did not come. These are for what never ends: a busy machine
    // takes several times as long as an idle one.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // A second, as it is by default, is what a busy machine may take for anything.
    expect: { poll: { timeout: 60_000 } },
  },
});
