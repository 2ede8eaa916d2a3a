/** What the documents say of variables and codes is what the code has. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentedVariables, readConfig } from '../../../src/config/config.ts';
import { verdicts } from '../../../src/contract/explanation.ts';
import { connectionCodes } from '../../../src/contract/problem.ts';
import { refusalCodes } from '../../../src/contract/refusal.ts';
import { goawayCodes, handshakeErrorCodes, requestErrorCodes } from '../../../src/contract/socket.ts';

const operating = readFileSync('docs/operating.md', 'utf8');
const protocol = readFileSync('docs/protocol.md', 'utf8');
const defaults = new Map(Object.entries(readConfig({})));
/** In words: what it is depends on the machine. */
const OF_THE_MACHINE = ['PENDING_TOTAL_MAX_BYTES'];

test.for(documentedVariables)('$name', ({ name, purpose }) => {
  const row = operating.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
  expect(row).toContain(`| ${purpose} |`);
  const value = OF_THE_MACHINE.includes(name) ? undefined : defaults.get(name);
  if (typeof value === 'number' || typeof value === 'string') {
    expect(row).toContain(name === 'HOST' ? value : `| \`${value}\` |`);
  }
});

test.for(
  [goawayCodes, connectionCodes, handshakeErrorCodes, requestErrorCodes, refusalCodes].flatMap((codes) =>
    Object.entries(codes),
  ),
)('%s', ([code, meaning]) => {
  const rows = protocol.split('\n').filter((line) => line.startsWith(`| \`${code}\` |`));
  expect(rows.some((row) => row.endsWith(`| ${meaning} |`))).toBe(true);
});

test.for(Object.entries(verdicts))('the verdict %s', ([code, meaning]) => {
  expect(operating).toContain(`| \`${code}\` | ${meaning} |`);
});

describe("nobody is told to run or install this package by its name, which is nobody's in public registries:", () => {
  /** What was built, installed or measured is not written here. */
  const OTHERS = ['.git', 'node_modules', 'dist', 'coverage', 'package-lock.json'];
  const FETCHED =
    /\b(?:npx|bunx|npm (?:exec|x|i|install|add)|pnpm (?:dlx|add)|yarn (?:dlx|add))\s+(?:-\S+\s+)*["'`]?carillon(?![\w/-])/;
  const filesIn = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (OTHERS.includes(entry.name)) return [];
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesIn(path);
      return entry.isFile() ? [path] : [];
    });

  test('in no file', () => {
    const files = filesIn('.');
    expect(files).toContain(join('docs', 'cli.md'));
    expect(files.filter((path) => FETCHED.test(readFileSync(path, 'latin1')))).toEqual([]);
  });

  test.for<[string, boolean]>([
    [['npx', 'carillon token ada'].join(' '), true],
    [['npx', '--yes carillon@latest doctor'].join(' '), true],
    [['npm', 'install -g carillon'].join(' '), true],
    ['npx vitest run', false],
    ['node dist/cli/main.js token ada', false],
  ])('%s', ([text, isFound]) => {
    expect(FETCHED.test(text)).toBe(isFound);
  });
});
