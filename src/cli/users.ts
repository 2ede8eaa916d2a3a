/** `carillon users`: exports or erases all that is kept of a person. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Erasure, erasureSchema, erasureSteps } from '../contract/personal-data.ts';
import { askOps, streamOps } from './api.ts';
import { Failure } from './failure.ts';
import { JSON_OPTION } from './options.ts';
import { plain, type Terminal } from './terminal.ts';

const ERASE_EXAMPLES = `
Examples:
  carillon users export 42 > 42.json
  carillon users erase 42 --yes

There is no way back. It goes on until all is erased, which takes as long as FEED_CHECK_SECONDS and a little more, and longer with
many dead letters. Interrupted at any moment: call it again, and it goes on.`;

export function addUsers(program: Command, terminal: Terminal): void {
  const users = program
    .command('users')
    .description("a person's data")
    .addHelpText(
      'after',
      '\nNeeds a token with the scope admin:erase. Every command has examples in its own --help.',
    );

  users
    .command('erase')
    .description('erase all that is kept of a user, close the connections, refuse older tokens')
    .argument('<user>', 'the user, without user:')
    .option('--yes', 'yes, for good')
    .option(...JSON_OPTION)
    .addHelpText('after', ERASE_EXAMPLES)
    .action(
      async (user: string, { yes = false, json }: { readonly yes?: boolean; readonly json?: boolean }) => {
        if (!yes) throw Failure.wrongUsage('there is no way back: say --yes');
        const erasure = await erased(user, (step) => {
          if (!json) terminal.complain(terminal.style('dim', plain(erasureSteps[step])));
        });
        if (json) terminal.json(erasure);
        else terminal.print(summaryOf(erasure));
      },
    );

  users
    .command('export')
    .description('all that is kept of a user, as one JSON document')
    .argument('<user>', 'the user, without user:')
    .addHelpText('after', '\nExample:\n  carillon users export 42 > 42.json')
    .action(async (user: string) => {
      const query = new URLSearchParams({ user });
      for await (const piece of streamOps(`/admin/users/export?${query}`, 'admin:erase'))
        await terminal.piece(piece);
    });
}

/** Sends requests until nothing is left to do. */
async function erased(user: string, onStep: (step: NonNullable<Erasure['step']>) => void): Promise<Erasure> {
  const query = new URLSearchParams({ user });
  for (let shown: Erasure['step']; ; ) {
    const erasure = await askOps(`/admin/users?${query}`, erasureSchema, {
      scope: 'admin:erase',
      method: 'DELETE',
    });
    const { isComplete, step, retryAfterMs = 0 } = erasure;
    if (isComplete) return erasure;
    if (step !== undefined && step !== shown) onStep(step);
    shown = step;
    await pause(retryAfterMs);
  }
}

function summaryOf({ user, before, deadLetters }: Erasure): string {
  const { scanned = 0, discarded = 0, rewritten = 0 } = deadLetters ?? {};
  return [
    `user ${plain(user)} is erased; tokens from before ${before} are refused`,
    `dead letters: ${scanned} looked at, ${discarded} discarded, ${rewritten} kept for others without the user`,
  ].join('\n');
}
