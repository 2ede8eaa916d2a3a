/** Operators change the level of the log: of all processes by a command that each follows, or of this one alone. */
import { MAX_LEVEL_SECONDS } from '../contract/log-level.ts';
import type { LogLevelControl } from '../edge/http/admin-log-level.ts';
import type { LogLevelSwitch } from '../observe/log-level.ts';
import type { AdminCommand } from '../operate/access/admin-command.ts';
import type { AdminCommands } from '../operate/access/admin-commands.ts';

export interface LogLevelParts {
  readonly node: string;
  readonly level: LogLevelSwitch;
  readonly adminCommands: Pick<AdminCommands, 'issue' | 'onAdminCommand'>;
  /** The clock that all processes share. */
  readonly now: () => number;
}

/** MUST be called before the commands are read: one that another process was given may still count. */
export function openLogLevel({ node, level, adminCommands, now }: LogLevelParts): LogLevelControl {
  const follow = (command: AdminCommand) => {
    if (command.kind !== 'log-level' || (command.node !== undefined && command.node !== node)) return;
    if (command.level === undefined) level.reset();
    else level.set(command.level, Math.min(command.untilMs - now(), MAX_LEVEL_SECONDS * 1_000));
  };
  adminCommands.onAdminCommand(follow);
  // This process does not need Redis to follow what is for it alone.
  const issue = async (command: AdminCommand & { readonly kind: 'log-level' }) => {
    if (command.node === node) follow(command);
    else await adminCommands.issue(command);
  };
  return {
    state: () => ({ node, ...level.state }),
    set: async ({ level: wanted, forSeconds, node: one }) => {
      const untilMs = Math.floor(now()) + forSeconds * 1_000;
      const target = one === undefined ? {} : { node: one };
      await issue({ kind: 'log-level', level: wanted, untilMs, ...target });
      return new Date(untilMs).toISOString();
    },
    reset: (one) =>
      issue({ kind: 'log-level', untilMs: Math.floor(now()), ...(one === undefined ? {} : { node: one }) }),
  };
}
