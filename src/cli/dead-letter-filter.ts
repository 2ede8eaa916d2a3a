/** The options that select dead letters, the same for every command. */
import type { Command } from 'commander';
import { moment } from './options.ts';

export interface FilterOptions {
  readonly reason?: string;
  readonly type?: string;
  readonly source?: string;
  readonly event?: string;
  readonly after?: string;
  readonly before?: string;
}

export function withFilter(command: Command): Command {
  return command
    .option('--reason <code>', 'only with this reason')
    .option('--type <type>', 'only of this type; * stands for any characters')
    .option('--source <source>', 'only from this source; * stands for any characters')
    .option('--event <id>', 'only of the event with this id')
    .option('--after <moment>', 'only since then: 2026-11-20T09:00:00Z, or 2h ago', moment)
    .option('--before <moment>', 'only from before then', moment);
}
