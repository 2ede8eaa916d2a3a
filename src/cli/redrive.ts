/**
 * `carillon dead-letters redrive`: sends requests until no dead letter is left, or only reports what they would do.
 */
import type { Command } from 'commander';
import { MAX_REDRIVEN, type RedriveResult, redriveResultSchema } from '../contract/dead-letter.ts';
import { askOps } from './api.ts';
import { type FilterOptions, withFilter } from './dead-letter-filter.ts';
import { Failure } from './failure.ts';
import { JSON_OPTION, whole } from './options.ts';
import { plain, type Terminal, table } from './terminal.ts';

interface Options extends FilterOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly perSecond: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  carillon dead-letters redrive --reason no_audience --dry-run     (whom would it reach?)
  carillon dead-letters redrive --reason no_audience --per-second 50
  carillon dead-letters redrive 3q2-7wDLlhh0wq5Yk1Jm0yM8f1o2u3v4w5x6y7z8A9B
  carillon dead-letters redrive --all

What would be refused again stays a dead letter. Interrupted at any moment nothing is lost: call it again, and who has an
event already does not get it twice (for DEDUPE_SECONDS).`;

export function addRedrive(deadLetters: Command, terminal: Terminal): void {
  withFilter(deadLetters.command('redrive'))
    .description('send them on their way again')
    .argument('[ids...]', 'as list tells them; or else a filter, or --all')
    .option('--all', 'all there are')
    .option('--dry-run', 'change nothing, and tell what would happen')
    .option('--limit <n>', 'most to send', whole(1, 1_000_000_000))
    .option('--per-second <n>', 'most in a second', whole(1, 10_000), 100)
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action((ids: readonly string[], options: Options) => redrive(ids, options, terminal));
}

async function redrive(ids: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  const { all = false, dryRun = false, limit, perSecond, json, ...filter } = options;
  const ways = [ids.length > 0, Object.keys(filter).length > 0, all].filter(Boolean).length;
  if (ways !== 1) throw Failure.wrongUsage('say which: ids, or a filter, or --all');
  const which = ids.length > 0 ? { ids } : filter;
  let total = 0;
  let result: RedriveResult;
  do {
    const most = Math.min(MAX_REDRIVEN, (limit ?? Number.POSITIVE_INFINITY) - total);
    const order = { ...which, dryRun, perSecond, limit: most };
    result = await askOps('/admin/dead-letters/redrive', redriveResultSchema, {
      scope: 'admin:dead-letters',
      body: order,
    });
    if (result.dryRun) break;
    total += result.redriven;
    if (!json && result.left > 0) terminal.complain(`redriven ${total}, ${result.left} left`);
    // Redriven ids no longer exist, and a second request with them would fail.
  } while (ids.length === 0 && isWorthAnother(result, total, limit));
  if (json) terminal.json(result.dryRun ? result : { ...result, redriven: total });
  else terminal.print(result.dryRun ? forecastOf(result) : summaryOf(result, total));
}

function isWorthAnother(result: RedriveResult, total: number, limit: number | undefined): boolean {
  if (result.dryRun || result.redriven === 0 || total >= (limit ?? Number.POSITIVE_INFINITY)) return false;
  return result.left > 0 || result.isPartial;
}

function summaryOf({ refused, left }: RedriveResult, total: number): string {
  return [`redriven ${total}`, ...(left > 0 ? [`left ${left}`] : []), ...refusals(refused)].join('\n');
}

function forecastOf(result: Extract<RedriveResult, { dryRun: true }>): string {
  const { matched, redrivable, deliveries, already, unrouted, audiences, audienceCount, refused, left } =
    result;
  const rows = audiences.map(({ audience, events, already: there }) => [
    `  ${plain(audience)}`,
    `${events}`,
    there > 0 ? `${there} there already` : '',
  ]);
  return [
    `${matched} fit, ${redrivable} would be sent again${left > 0 ? `, ${left} more by further requests` : ''}`,
    `${deliveries} notifications to ${audienceCount} audiences, ${already} of them there already`,
    ...(unrouted > 0 ? [`${unrouted} to audiences that this process cannot tell: it has no routes`] : []),
    ...(rows.length > 0 ? [table(rows)] : []),
    ...(audienceCount > rows.length ? [`  and ${audienceCount - rows.length} more audiences`] : []),
    ...refusals(refused),
    'Nothing was changed.',
  ].join('\n');
}

function refusals(refused: RedriveResult['refused']): string[] {
  return refused.map(({ code, count }) => `${count} would be refused again: ${plain(code)}`);
}
