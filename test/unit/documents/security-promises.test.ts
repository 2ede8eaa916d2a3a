/** Each promise of SECURITY.md names tests that check it, and they are there: by file, and by words of their title. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const rows = readFileSync('SECURITY.md', 'utf8')
  .split('\n')
  .filter((line) => /^\|(?!---| asset \| | against \| )/.test(line))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

test('every row of both tables names a test', () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const [what, , checks] of rows)
    expect([what, checks]).toEqual([what, expect.stringMatching(/^`test\//)]);
});

const named = rows.flatMap(([what = '', , checks = '']) =>
  checks.split('<br>').map((check): [string, string] => [what, check]),
);

describe('is there', () => {
  test.for(named)('%s: %s', ([, check]) => {
    const [, file = '', title = ''] =
      /^`(test\/[\w./-]+(?:\.test|-contract)\.ts)`: (.{6,})$/.exec(check) ?? [];
    expect(existsSync(file) ? file : `no such file in: ${check}`).toBe(file);
    // In a title, which stands in quotes.
    const titles = readFileSync(file, 'utf8').match(/(['"`])(?:\\.|(?!\1).)*\1/g) ?? [];
    expect(titles.filter((text) => text.replaceAll('\\', '').includes(title))).not.toEqual([]);
  });
});
