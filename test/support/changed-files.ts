/** Files that change while processes use them, as an operator changes them. */
import { writeFileSync } from 'node:fs';
import type { CarillonProcess } from './carillon.ts';
import { until } from './until.ts';

export const TAKEN = 'the file has changed, and is in use';

/** How many lines of the log have this text. */
export function said({ output }: Pick<CarillonProcess, 'output'>, text: string): number {
  return output.filter((line) => line.includes(text)).length;
}

/** Writes the file, tells the processes, and waits until each has answered with the line. */
export async function changeFile(
  path: string,
  content: string,
  processes: readonly CarillonProcess[],
  answer = TAKEN,
): Promise<void> {
  const before = processes.map((one) => said(one, answer));
  writeFileSync(path, content);
  for (const one of processes) one.signal('SIGHUP');
  const isAnswered = () => processes.every((one, i) => said(one, answer) > (before[i] ?? 0));
  await until(`"${answer}"`, 20_000, isAnswered);
}
