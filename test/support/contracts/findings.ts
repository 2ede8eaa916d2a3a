/** What on the wire the published contracts do not say. Kept until the test that is running ends, and then fails it. */

const findings = new Map<string, number>();
const pending = new Set<Promise<void>>();

/** `where`: the file, and the part of it that was looked at. */
export function report(where: string, what: string): void {
  const finding = `${where}: ${what}`;
  findings.set(finding, (findings.get(finding) ?? 0) + 1);
}

/** What is still looked at when a test ends is waited for. */
export function follow(looking: Promise<void>): void {
  const followed = looking
    .catch((error: unknown) => report('what a test was answered', `could not be looked at: ${error}`))
    .finally(() => pending.delete(followed));
  pending.add(followed);
}

/** All since the last time. */
export async function takeFindings(): Promise<readonly string[]> {
  while (pending.size > 0) await Promise.all(pending);
  const all = [...findings].map(([finding, count]) => (count > 1 ? `${finding} (${count} times)` : finding));
  findings.clear();
  return all;
}
