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
  // It stays scheduled: what is written from here on leaves below.
  try {
    const runs = collected;
    collected = [];
    for (const run of runs) run();
  } finally {
    const runs = written;
    written = [];
    isScheduled = false;
    if (collected.length > 0) schedule();
    for (const run of runs) run();
  }
}
