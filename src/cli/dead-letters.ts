/** `carillon dead-letters`: lists, shows, redrives and discards events that could not be delivered. */
import type { Command } from 'commander';
import {
  type DeadLetter,
  deadLetterParamsSchema,
  deadLetterSchema,
  deadLettersSchema,
  discardedSchema,
} from '../contract/dead-letter.ts';
import { guardNumbers, restoreNumbers } from '../contract/numbers.ts';
import { askOps } from './api.ts';
import { type FilterOptions, withFilter } from './dead-letter-filter.ts';
import { Failure } from './failure.ts';
import { JSON_OPTION, whole } from './options.ts';
import { addRedrive } from './redrive.ts';
import { plain, type Terminal, table } from './terminal.ts';

const LIST_EXAMPLES = `
Examples:
  carillon dead-letters list
  carillon dead-letters list --reason no_audience --type 'order.*' --after 2h
  carillon dead-letters list --json | jq -r '.deadLetters[].id'`;

const DISCARD_EXAMPLES = `
Example:
  carillon dead-letters discard 3q2-7wDLlhh0wq5Yk1Jm0yM8f1o2u3v4w5x6y7z8A9B

All of them, or none when one is not there. There is no way back.`;

export function addDeadLetters(program: Command, terminal: Terminal): void {
  const deadLetters = program
    .command('dead-letters')
    .description('events that could not be delivered')
    .addHelpText(
      'after',
      '\nNeeds a token with the scope admin:dead-letters; admin:read is enough for list and show. Every command has examples in its\nown --help.',
    );

  withFilter(deadLetters.command('list'))
    .description('what there is, oldest first')
    .option('--limit <n>', 'most to show', whole(1, 500), 50)
    .option(...JSON_OPTION)
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (options: FilterOptions & { readonly limit: number; readonly json?: boolean }) => {
      const { json, limit, ...filter } = options;
      const query = new URLSearchParams({ ...filter, limit: String(limit) });
      const page = await askOps(`/admin/dead-letters?${query}`, deadLettersSchema, { scope: 'admin:read' });
      if (json) return terminal.json(page);
      const rows = page.deadLetters.map((deadLetter) => rowOf(deadLetter));
      if (rows.length > 0) terminal.print(table(rows));
      const shown = `${page.deadLetters.length} of ${page.matched} that fit`;
      const rest = page.isPartial ? `; only the first ${page.scanned} dead letters were looked at` : '';
      terminal.complain(terminal.style('dim', page.matched === 0 ? `none${rest}` : `${shown}${rest}`));
    });

  deadLetters
    .command('show')
    .description('one of them, with its body')
    .argument('<id>', 'as list tells it')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  carillon dead-letters show 3q2-7wDLlhh0wq5Yk1Jm0yM8f1o2u3v4w5x6y7z8A9B',
    )
    .action(async (id: string, { json }: { readonly json?: boolean }) => {
      // Checked here: in a URL `..` would be a step in the path, and an empty id would mean the whole list.
      if (!deadLetterParamsSchema.safeParse({ id }).success) {
        throw Failure.wrongUsage('an id of a dead letter is 43 of A-Z a-z 0-9 _ -, as list tells it');
      }
      const deadLetter = await askOps(`/admin/dead-letters/${id}`, deadLetterSchema, { scope: 'admin:read' });
      if (json) terminal.json(deadLetter);
      else terminal.print(pageOf(deadLetter, terminal));
    });

  addRedrive(deadLetters, terminal);

  deadLetters
    .command('discard')
    .description('throw some away for good')
    .argument('<ids...>', 'as list tells them')
    .option(...JSON_OPTION)
    .addHelpText('after', DISCARD_EXAMPLES)
    .action(async (ids: readonly string[], { json }: { readonly json?: boolean }) => {
      const answer = await askOps('/admin/dead-letters/discard', discardedSchema, {
        scope: 'admin:dead-letters',
        body: { ids },
      });
      if (json) terminal.json(answer);
      else terminal.print(`discarded ${answer.discarded}`);
    });
}

function rowOf({ id, time, reason, type, copies, detail }: DeadLetter): string[] {
  const often = copies > 1 ? ` (${copies} times)` : '';
  return [plain(id), plain(time ?? '-'), plain(reason), plain(type), `${plain(detail)}${often}`];
}

function pageOf(deadLetter: DeadLetter, terminal: Terminal): string {
  const { body, isCut, headers, ...facts } = deadLetter;
  const rows = Object.entries({ ...facts, ...headers }).map(([name, value]) => [
    terminal.style('dim', plain(name)),
    plain(String(value)),
  ]);
  return `${table(rows)}\n\n${body === undefined ? 'The body cannot be shown: it is no JSON object.' : pretty(body, isCut)}`;
}

function indented(json: string): string {
  return restoreNumbers(JSON.stringify(guardNumbers(json, JSON.parse(json)), undefined, 2));
}

function pretty(body: string, isCut: boolean): string {
  // A body that was cut is not JSON any more. Whole JSON holds no control characters, but may hold characters that
  // reverse the direction of text.
  const lines = isCut ? [`${body} …`] : indented(body).split('\n');
  return lines.map((line) => `${' '.repeat(line.search(/\S|$/))}${plain(line.trimStart())}`).join('\n');
}
