/** Starts processes whose clock is ahead or behind. */
import { temporaryFile } from './temporary-file.ts';

const moduleFor = (shiftMs: number) => `
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...args) {
    super(...(args.length === 0 ? [Real.now() + ${shiftMs}] : args));
  }
  static now() {
    return Real.now() + ${shiftMs};
  }
};
`;

/** The environment for a process whose clock is ahead by `shiftMs`; with a negative number, behind. */
export function clockShifted(shiftMs: number): { readonly NODE_OPTIONS: string } {
  return { NODE_OPTIONS: `--import=file://${temporaryFile('clock.mjs', moduleFor(shiftMs))}` };
}
