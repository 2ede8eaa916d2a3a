/**
 * Collects findings: traffic that the published contracts do not describe. At the end of the running test they make it
 * fail.
 */

const findings = new Map<string, number>();
const pending = new Set<Promise<void>>();

/** `where`: the document, and the part of it that was compared. */
export function report(where: string, what: string): void {
  const finding = `${where}: ${what}`;
  findings.set(finding, (findings.get(finding) ?? 0) + 1);
}

/** Registers a check that may still run when a test ends. {@link takeFindings} waits for it. */
export function follow(looking: Promise<void>): void {
  const followed = looking
    .catch((error: unknown) => report('what a test was answered', `could not be looked at: ${error}`))
    .finally(() => pending.delete(followed));
  pending.add(followed);
}

/** All findings since the last call. */
export async function takeFindings(): Promise<readonly string[]> {
  while (pending.size > 0) await Promise.all(pending);
  const all = [...findings].map(([finding, count]) => (count > 1 ? `${finding} (${count} times)` : finding));
  findings.clear();
  return all;
}
