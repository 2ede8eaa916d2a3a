/** Codes and what they mean, as a list in Markdown: how descriptions in both contracts name them. */
export function meanings(codes: Readonly<Record<string, string>>): string {
  return Object.entries(codes)
    .map(([code, meaning]) => `- \`${code}\`: ${meaning}`)
    .join('\n');
}
