/**
 * What Redis refuses for want of a right. A connection that is up says nothing of it: each command has its own. Nothing
 * here runs for a command that succeeds; what was refused is believed until it has not been refused again for a while.
 */
import type { Logger } from 'pino';

/** Longer than any pause after which a command is tried again. */
const BELIEVED_MS = 60_000;

const [MOST_KEPT, MOST_NAMES, MOST_CHARACTERS] = [50, 3, 100];

const LOGIN = /^(WRONGPASS|NOAUTH)/;
/** What a script lacks is said in one way by Redis 7.0, and in another from 7.2 on. */
const IN_SCRIPT = /executing the script|ACL failure in script/;
const RIGHT = /^NOPERM|can't (run this command|access at least one of the)|ACL failure in script/;

export class RedisDenials {
  readonly #log: Logger;
  /** What was refused, and until when it is believed. */
  readonly #refused = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Undefined while nothing is refused. */
  get reason(): string | undefined {
    const nowMs = performance.now();
    for (const [what, untilMs] of this.#refused) if (untilMs <= nowMs) this.#refused.delete(what);
    return this.#refused.size === 0 ? undefined : [...this.#refused.keys()].slice(0, MOST_NAMES).join('; ');
  }

  /** MUST be told every error that Redis answers. `command`: as ioredis notes it at the error. */
  refused(error: Error & { readonly command?: unknown }): void {
    const isLogin = LOGIN.test(error.message);
    if (!isLogin && !RIGHT.test(error.message)) return;
    const code = isLogin ? 'redis_login_refused' : 'redis_right_missing';
    const command = isLogin ? undefined : commandIn(error.command, error.message);
    const what = command === undefined ? code : `${code}: ${command}`;
    const isNew = (this.#refused.get(what) ?? 0) <= performance.now();
    if (this.#refused.size >= MOST_KEPT) this.#refused.clear();
    this.#refused.set(what, performance.now() + BELIEVED_MS);
    if (!isNew) return;
    // Each once while it lasts, and again after it was over.
    this.#log.error({ code, command, reason: error.message }, 'Redis refuses');
  }
}

/** The command, and what it is for: without the part that names a user or another audience. */
function commandIn(command: unknown, message: string): string | undefined {
  if (typeof command !== 'object' || command === null || !('name' in command)) return undefined;
  const name = String(command.name);
  if (IN_SCRIPT.test(message)) return `${name}: a command in the script, which ACL LOG names`;
  const args: unknown[] = 'args' in command && Array.isArray(command.args) ? command.args : [];
  if (!/keys?|channels?/.test(message)) return name;
  const isScript = name === 'eval' || name === 'evalsha';
  const names = isScript
    ? args.slice(2, 2 + Number(args[1]))
    : args.filter((arg) => /[:#]/.test(String(arg)));
  const shown = names.map((arg) =>
    String(arg)
      .replace(/\{[^}]*\}/, '{…}')
      .slice(0, MOST_CHARACTERS),
  );
  return [name, ...new Set(shown)].slice(0, 1 + MOST_NAMES).join(' ');
}
