/** `carillon token`: signs a token with JWT_SECRET, for development and first tries. */
import type { Command } from 'commander';
import { adminScopes } from '../contract/admin-scope.ts';
import { claimsSchema } from '../contract/token.ts';
import { sign } from './environment.ts';
import { Failure } from './failure.ts';
import { duration, JSON_OPTION, listed } from './options.ts';
import type { Terminal } from './terminal.ts';

interface Options {
  readonly department?: readonly string[];
  readonly topic?: readonly string[];
  readonly publish?: readonly string[];
  readonly scope?: readonly string[];
  readonly audience?: readonly string[];
  readonly expires: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  carillon token 42 --department sales --topic 'ticker.*'
  carillon token orders --scope events:write --audience 'user:*' --expires 7d
  export CARILLON_TOKEN=$(carillon token me --scope admin:read,admin:dead-letters)

Signs with JWT_SECRET, or in embedded mode with the secret of embedded mode. In production your login service does this.`;

export function addToken(program: Command, terminal: Terminal): void {
  program
    .command('token')
    .description('sign a token with JWT_SECRET, for development')
    .argument('<user>', 'whose it is: the claim sub')
    .option('-d, --department <ids>', 'departments, with commas', listed)
    .option('-t, --topic <patterns>', 'topics that may be subscribed to', listed)
    .option('-p, --publish <patterns>', 'topics that may be published to', listed)
    .option('-s, --scope <words>', `events:write, ${Object.keys(adminScopes).join(', ')}`, listed)
    .option(
      '-a, --audience <patterns>',
      'with events:write: the only audiences that may be published to',
      listed,
    )
    .option('-e, --expires <duration>', 'how long it is valid: 30m, 12h, 7d', duration, 3_600)
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(async (user: string, options: Options) => {
      const { department, topic, publish, scope, audience, expires, json } = options;
      const claims = {
        sub: user,
        ...(department && { departments: department }),
        ...(topic && { topics: topic }),
        ...(publish && { publish }),
        ...(scope && { scope: scope.join(' ') }),
        ...(audience && { audiences: audience }),
      };
      const expiresAtMs = Date.now() + expires * 1_000;
      const checked = claimsSchema.safeParse({ ...claims, exp: expiresAtMs / 1_000 });
      if (!checked.success) {
        const issue = checked.error.issues[0];
        throw Failure.wrongUsage(`the claim ${issue?.path.join('.')} cannot be that: ${issue?.message}`);
      }
      const token = await sign(claims, expires);
      if (json) terminal.json({ token, expiresAt: new Date(expiresAtMs).toISOString() });
      else terminal.print(token);
    });
}
