/** Following the commands: each is obeyed once and in order, whatever the log does, and revocations are known. */
import { expect, onTestFinished, test } from 'vitest';
import type { Identity, Verified } from '../../../../src/contract/token.ts';
import type { AdminCommand } from '../../../../src/operate/access/admin-command.ts';
import type { Kept } from '../../../../src/operate/access/admin-command-log.ts';
import { AdminCommands } from '../../../../src/operate/access/admin-commands.ts';
import { MemoryAdminCommandLog } from '../../../../src/operate/access/memory-admin-command-log.ts';
import { revocable } from '../../../../src/operate/access/revocable.ts';

const NOW_S = Math.floor(Date.now() / 1000);
const DAY_S = 86_400;

class FailingLog extends MemoryAdminCommandLog {
  isAway = false;

  override async read(after: string | undefined): Promise<readonly Kept[]> {
    if (this.isAway) throw new Error('away');
    return await super.read(after);
  }
}

function open(log = new FailingLog(), checkMs = 1_000_000) {
  const errors: unknown[] = [];
  const obeyed: AdminCommand[] = [];
  const adminCommands = new AdminCommands({ log, checkMs, onError: (error) => errors.push(error) });
  adminCommands.onAdminCommand((command) => obeyed.push(command));
  onTestFinished(() => adminCommands.close());
  return { log, adminCommands, errors, obeyed };
}

const revoke = (user: string, notBeforeMs?: number): AdminCommand =>
  notBeforeMs === undefined ? { kind: 'disconnect', user } : { kind: 'disconnect', user, notBeforeMs };

const userOf = (command: AdminCommand) => ('user' in command ? command.user : undefined);

test('each command is obeyed once, whoever issued it and however often the log is read', async () => {
  const { log, adminCommands, obeyed } = open();
  await log.append(revoke('a'));
  await adminCommands.start();
  await Promise.all([
    adminCommands.issue(revoke('b')),
    adminCommands.issue(revoke('c')),
    log.append(revoke('d')),
  ]);
  await expect.poll(() => obeyed.map(userOf).sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('until the log was read nothing is known, and after that an outage changes nothing', async () => {
  const { log, adminCommands, errors } = open();
  log.isAway = true;
  await adminCommands.start();
  expect(adminCommands.isKnown).toBe(false);
  expect(errors).toHaveLength(1);
  log.isAway = false;
  await adminCommands.issue(revoke('a', 2_000));
  expect(adminCommands.isKnown).toBe(true);
  log.isAway = true;
  await adminCommands.issue(revoke('b', 2_000));
  expect(adminCommands.isKnown).toBe(true);
  expect(adminCommands.isRevoked({ user: 'a', issuedAtMs: 1_000 })).toBe(true);
});

test('what was appended during an outage is obeyed after it, in order', async () => {
  const { log, adminCommands, obeyed } = open();
  await adminCommands.start();
  log.isAway = true;
  for (const user of ['a', 'b']) await log.append(revoke(user));
  log.isAway = false;
  await adminCommands.issue(revoke('c'));
  expect(obeyed.map(userOf)).toEqual(['a', 'b', 'c']);
});

test('the log is looked at from time to time when nobody says that there is more', async () => {
  class SilentLog extends FailingLog {
    override onNew(): void {}
  }
  const { log, adminCommands, obeyed } = open(new SilentLog(), 10);
  await adminCommands.start();
  await log.append(revoke('a'));
  await expect.poll(() => obeyed).toHaveLength(1);
});

test('tokens from before the latest revocation of their user are revoked, others are not', async () => {
  const { adminCommands } = open();
  await adminCommands.start();
  for (const notBeforeMs of [5_000, 3_000, undefined]) await adminCommands.issue(revoke('ada', notBeforeMs));
  const isRevoked = (user: string, issuedAtMs: number) => adminCommands.isRevoked({ user, issuedAtMs });
  expect([0, 4_999].map((ms) => isRevoked('ada', ms))).toEqual([true, true]);
  expect([5_000, 6_000].map((ms) => isRevoked('ada', ms))).toEqual([false, false]);
  expect(isRevoked('bob', 0)).toBe(false);
  // Of tokens that do not say since when they are.
  const unknown = Number.NEGATIVE_INFINITY;
  expect(['ada', 'bob'].map((user) => isRevoked(user, unknown))).toEqual([true, false]);
});

const identity = (iat: number | undefined, exp: number): Identity => ({
  user: 'ada',
  departments: [],
  topics: [],
  publish: [],
  scopes: [],
  audiences: undefined,
  issuedAtMs: iat === undefined ? Number.NEGATIVE_INFINITY : iat * 1000,
  expiresAtMs: exp * 1000,
});

test.for<[string, number | undefined, number, Partial<AdminCommands>, string]>([
  ['taken', NOW_S, NOW_S + 60, {}, 'ok'],
  ['of two days', NOW_S, NOW_S + 2 * DAY_S, {}, 'unauthorized'],
  ['of two days without saying since when', undefined, NOW_S + 2 * DAY_S, {}, 'unauthorized'],
  ['of an hour without saying since when', undefined, NOW_S + 3_600, {}, 'ok'],
  ['that is revoked', NOW_S, NOW_S + 60, { isRevoked: () => true }, 'unauthorized'],
  ['of which nobody knows', NOW_S, NOW_S + 60, { isKnown: false }, 'unavailable'],
])('a token %s', async ([, iat, exp, known, result]) => {
  const revocations = { isKnown: true, isRevoked: () => false, ...known };
  const verified: Verified = { ok: true, identity: identity(iat, exp) };
  const verify = revocable(async () => verified, { revocations, maxLifetimeMs: DAY_S * 1000 });
  const answer = await verify('');
  expect(answer.ok ? 'ok' : answer.code).toBe(result);
});
