/** `carillon explain`: tells step by step why a user has an event's notification, or has not. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { askOps } from './api.ts';
import { JSON_OPTION } from './options.ts';
import { plain, type Terminal } from './terminal.ts';

interface Options {
  readonly source?: string;
  readonly language: string;
  readonly json?: boolean;
}

/** The fields that are printed; `--json` passes on all of them. */
const explanationSchema = z.looseObject({
  verdict: z.string(),
  message: z.string(),
  steps: z.array(z.looseObject({ at: z.string().optional(), what: z.string(), detail: z.string() })),
});

const EXAMPLES = `
Examples:
  carillon explain 7d1c0b9e 42
  carillon explain 1001 42 --source /orders --language zh
  carillon explain 7d1c0b9e 42 --json | jq -r .verdict

Needs a token with the scope admin:read.`;

export function addExplain(program: Command, terminal: Terminal): void {
  program
    .command('explain')
    .description("why a user has an event's notification, or has not")
    .argument('<event>', "the event's id")
    .argument('<user>', 'the user, without user:')
    .option('--source <source>', 'when events of several sources have the id')
    .addOption(
      new Option('--language <tags>', 'which title to show of several, with commas: zh,en')
        .argParser(languageTags)
        .default(Intl.DateTimeFormat().resolvedOptions().locale, "the terminal's"),
    )
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(async (event: string, user: string, { source, language, json }: Options) => {
      const query = new URLSearchParams({ event, user, ...(source === undefined ? {} : { source }) });
      const answer = await askOps(`/admin/explain?${query}`, explanationSchema, {
        scope: 'admin:read',
        languages: language,
      });
      if (json) terminal.json(answer);
      else terminal.print(story(answer, terminal));
    });
}

/** They go into a header. */
function languageTags(value: string): string {
  if (/^[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\s*,\s*[A-Za-z0-9]+(-[A-Za-z0-9]+)*)*$/.test(value)) return value;
  throw new InvalidArgumentError('It must be language tags, like zh,en.');
}

function story({ verdict, message, steps }: z.infer<typeof explanationSchema>, terminal: Terminal): string {
  const lines = steps.map(({ at, what, detail }) => {
    const moment = terminal.style('dim', plain(at ?? '').padEnd(24));
    return `  ${moment}  ${terminal.style('bold', plain(what))}: ${plain(detail)}`;
  });
  const end = `${terminal.style('bold', plain(message))} ${terminal.style('dim', `(${plain(verdict)})`)}`;
  return [...lines, ...(lines.length > 0 ? [''] : []), end].join('\n');
}
