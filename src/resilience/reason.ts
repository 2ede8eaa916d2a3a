/** Why something failed, as text for a log or a person. Any value may be thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
