/**
 * A table in Markdown.
 *
 * @throws {Error} when there is nothing in it, or a row lacks a cell: something was not measured
 */
export function markdown(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const wrong = rows.find((row) => row.length !== columns.length);
  if (rows.length === 0 || wrong !== undefined)
    throw new Error(`the table of ${columns.join(', ')} is not complete: ${wrong ?? 'it has no rows'}`);
  return [columns, columns.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
