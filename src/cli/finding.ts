/** The result of one of the doctor's checks. */

export interface Finding {
  readonly check: string;
  /**
   * `wrong`: delivery fails or data will be lost. `advice`: it works but could be better. `unknown`: it could not be
   * looked at, and `found` says why; MUST be used where the check saw too little for `ok`.
   */
  readonly verdict: 'ok' | 'advice' | 'wrong' | 'unknown';
  readonly found: string;
  /** What to do about it. */
  readonly change?: string;
}

/** Whether a dotted version is at least another. */
export function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [i, number] of wanted.entries()) {
    const part = parts[i] ?? 0;
    if (part !== number) return part > number;
  }
  return true;
}
