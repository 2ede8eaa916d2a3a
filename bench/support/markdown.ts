/**
 * Writes a table in Markdown.
 *
 * @throws {Error} when the table is empty or a row lacks a cell, because then something was not measured
 */
export function markdown(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const wrong = rows.find((row) => row.length !== columns.length);
  if (rows.length === 0 || wrong !== undefined)
    throw new Error(`the table of ${columns.join(', ')} is not complete: ${wrong ?? 'it has no rows'}`);
  return [columns, columns.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
