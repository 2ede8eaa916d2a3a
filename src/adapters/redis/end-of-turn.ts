/**
 * The end of a turn of the event loop: after everything that this poll of the network has brought. What was collected is
 * answered first. What that has written leaves in the same turn, in one write for each connection.
 */

let collected: (() => void)[] = [];
let written: (() => void)[] = [];
let isScheduled = false;

/** Runs at the end of this turn. */
export function atEndOfTurn(run: () => void): void {
  collected.push(run);
  schedule();
}

/** Runs at the end of this turn, behind everything that {@link atEndOfTurn} was given. */
export function lastInTurn(run: () => void): void {
  written.push(run);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  // It stays scheduled: what is written meanwhile leaves below.
  const answers = collected;
  collected = [];
  runEach(answers);
  const writes = written;
  written = [];
  isScheduled = false;
  if (collected.length > 0) schedule();
  runEach(writes);
}

/** One that throws is a fault of ours, and keeps none of the others from running. */
function runEach(runs: readonly (() => void)[]): void {
  for (const run of runs) {
    try {
      run();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}
