/** Prints the five test files that took longest. Look there first when the tests take too long. */
import type { Reporter, TestModule } from 'vitest/node';

const SHOWN = 5;

export interface Took {
  readonly path: string;
  readonly ms: number;
}

export function slowestOf(files: readonly Took[]): readonly string[] {
  const slowest = files.toSorted((one, other) => other.ms - one.ms).slice(0, SHOWN);
  return slowest.map(({ path, ms }) => `${(ms / 1_000).toFixed(1).padStart(7)} s  ${path}`);
}

export class SlowestFilesReporter implements Reporter {
  onTestRunEnd(testModules: readonly TestModule[]): void {
    const files = testModules.map((testModule) => {
      // Hooks start servers, so their time counts as well.
      const { collectDuration, duration } = testModule.diagnostic();
      return { path: testModule.relativeModuleId, ms: collectDuration + duration };
    });
    const lines = ['Slowest files:', ...slowestOf(files)];
    // Other reporters and the teardown still print something later. The tally comes last.
    process.once('exit', () => console.log(lines.join('\n')));
  }
}
