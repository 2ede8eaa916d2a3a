/** `carillon queues`: how much waits in each queue, who takes it, and how long it takes an event to get through. */
import type { Command } from 'commander';
import { type QueueReport, type QueuesReport, queuesSchema } from '../contract/queues.ts';
import { askOps } from './api.ts';
import { JSON_OPTION } from './options.ts';
import { plain, type Terminal, table } from './terminal.ts';

const EXAMPLES = `
Examples:
  carillon queues
  carillon queues --json | jq '.queues[] | select(.ready > 1000)'

A question mark stands for what is not known; why is printed to standard error. Lag is what the canaries of the process at
CARILLON_OPS_URL measure: name a gateway there. Needs a token with the scope admin:read.`;

export function addQueues(program: Command, terminal: Terminal): void {
  program
    .command('queues')
    .description('how much waits in each queue, who takes it, and how long it takes')
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(async ({ json }: { readonly json?: boolean }) => {
      const answer = await askOps('/admin/queues', queuesSchema, { scope: 'admin:read' });
      if (json) return terminal.json(answer);
      if (answer.queues.length > 0)
        terminal.print(table([HEADINGS, ...answer.queues.map((one) => rowOf(one, answer))]));
      for (const note of notesOf(answer)) terminal.complain(terminal.style('dim', note));
    });
}

const HEADINGS = ['queue', 'ready', 'consumers', 'lag', 'taken by'];

/** There is nothing to know. */
const NEVER: readonly string[] = ['not_consumed', 'no_canary'];

type Field = QueueReport['unknown'][number]['field'];

function rowOf(queue: QueueReport, { at, node }: QueuesReport): string[] {
  const { ready, consumers, lag, takenBy } = queue;
  const shown = (field: Field, text: string | undefined) => {
    if (text !== undefined) return text;
    const isNever = queue.unknown.some((one) => one.field === field && NEVER.includes(one.code));
    return isNever ? '-' : '?';
  };
  return [
    plain(queue.queue),
    shown('ready', ready?.toString()),
    shown('consumers', consumers?.toString()),
    shown('lag', lag === null ? undefined : lagText(lag)),
    shown('takenBy', takenBy === null ? undefined : takerText(takenBy, { at, node })),
  ];
}

function lagText({ ms, failedLeg }: NonNullable<QueueReport['lag']>): string {
  return `${ageText(ms)}${failedLeg === null ? '' : `, stuck: ${failedLeg}`}`;
}

function takerText(
  taker: NonNullable<QueueReport['takenBy']>,
  { at, node }: Pick<QueuesReport, 'at' | 'node'>,
): string {
  if (taker.node === node) return `${plain(taker.node)} (this process)`;
  return `${plain(taker.node)}, ${ageText(Date.parse(at) - Date.parse(taker.at))} ago`;
}

function ageText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

/** Each reason once, with the queues that it is said of. */
function notesOf({ queues, unknown }: QueuesReport): readonly string[] {
  const notes = new Map<string, Set<string>>();
  for (const { queue, unknown } of queues)
    for (const { code, detail } of unknown) {
      if (NEVER.includes(code)) continue;
      const text = `${plain(detail)} (${plain(code)})`;
      notes.set(text, (notes.get(text) ?? new Set()).add(plain(queue)));
    }
  return [
    ...[...notes].map(([text, named]) => `${[...named].join(', ')}: ${text}`),
    ...unknown.map(({ code, detail }) => `${plain(detail)} (${plain(code)})`),
  ];
}
