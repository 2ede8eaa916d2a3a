/**
 * What the documents say of variables and codes is what the code has. Pages are short enough to be read, and whatever a
 * document or a comment points to is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { documentedVariables, readConfig } from '../../../src/config/config.ts';
import { adminScopes } from '../../../src/contract/admin-scope.ts';
import { auditActions } from '../../../src/contract/audit.ts';
import { verdicts } from '../../../src/contract/explanation.ts';
import { connectionCodes } from '../../../src/contract/problem.ts';
import { queueUnknowns } from '../../../src/contract/queues.ts';
import { refusalCodes } from '../../../src/contract/refusal.ts';
import { goawayCodes, handshakeErrorCodes, requestErrorCodes } from '../../../src/contract/socket.ts';
import { Metrics } from '../../../src/observe/metrics.ts';

const configuration = readFileSync('docs/configuration.md', 'utf8');
const codesPage = readFileSync('docs/codes.md', 'utf8');
const adminApi = readFileSync('docs/admin-api.md', 'utf8');
const codeTables = [goawayCodes, connectionCodes, handshakeErrorCodes, requestErrorCodes, refusalCodes];
const defaults = new Map(Object.entries(readConfig({})));
/** In words: what it is depends on the machine. */
const OF_THE_MACHINE = ['PENDING_TOTAL_MAX_BYTES'];
const purposeOf = (variable: string) =>
  documentedVariables.find(({ name }) => name === variable)?.purpose ?? '';
/** What was built, installed or measured is not written here. */
const OTHERS = ['.git', 'node_modules', 'dist', 'coverage', 'package-lock.json'];
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (OTHERS.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.isFile() ? [path] : [];
  });
const files = filesIn('.');

test.for(documentedVariables)('$name', ({ name, purpose }) => {
  const row = configuration.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
  expect(row).toContain(`| ${purpose} |`);
  const value = OF_THE_MACHINE.includes(name) ? undefined : defaults.get(name);
  if (typeof value === 'number' || typeof value === 'string') {
    expect(row).toContain(name.endsWith('HOST') ? value : `| \`${value}\` |`);
  }
});

test.for(codeTables.flatMap((codes) => Object.entries(codes)))('%s', ([code, meaning]) => {
  const rows = codesPage.split('\n').filter((line) => line.startsWith(`| \`${code}\` |`));
  expect(rows.some((row) => row.endsWith(`| ${meaning} |`))).toBe(true);
});

test.for([...Object.entries(verdicts), ...Object.entries(queueUnknowns)])(
  'the verdict or reason %s',
  ([code, meaning]) => {
    expect(adminApi).toContain(`| \`${code}\` | ${meaning} |`);
  },
);

test.for([...Object.entries(adminScopes), ...Object.entries(auditActions)])(
  'the scope or action %s',
  ([name, meaning]) => {
    expect(adminApi).toContain(`| \`${name}\` | ${meaning} |`);
  },
);

/** Fenced code is left out, and its lines stay as empty ones. */
function proseOf(text: string): readonly string[] {
  let isCode = false;
  return text.split('\n').map((line) => {
    const isFence = /^ {0,3}```/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode ? '' : line;
  });
}

/** As GitHub makes them, of every heading. */
function anchorsIn(text: string): readonly string[] {
  const seen = new Map<string, number>();
  return proseOf(text).flatMap((line) => {
    const [, heading] = /^#{1,6} (.*)$/.exec(line) ?? [];
    if (heading === undefined) return [];
    const words = heading.replace(/\]\([^)]*\)/g, '').toLowerCase();
    const slug = words.replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return [before === 0 ? slug : `${slug}-${before}`];
  });
}

test('the words of CONTRIBUTING.md are at most 25, and each lives where it says', () => {
  const contributing = readFileSync('CONTRIBUTING.md', 'utf8');
  const words = contributing.slice(
    contributing.indexOf('## Words'),
    contributing.indexOf('## Where things are'),
  );
  const homes = [...words.matchAll(/\| `(src\/[^`]+)` \|$/gm)].map(([, path = '']) => path);
  expect(homes.length).toBeGreaterThan(0);
  expect(homes.length).toBeLessThanOrEqual(25);
  expect(homes.filter((path) => !files.includes(path))).toEqual([]);
});

describe('pages:', () => {
  const [MOST_LINES, MOST_CHARACTERS] = [250, 140];
  const series = new Metrics({ node: '', version: '', roles: '' }).families;
  /** Names, labels and sentences in tables that other tests hold against the code, which decides how long they are. */
  const fromCode = [
    ...documentedVariables.map(({ purpose }) => purpose),
    ...[...defaults.values()].map(String).filter((value) => value.includes(',')),
    ...[...codeTables, verdicts, queueUnknowns].flatMap((meanings) => Object.values(meanings)),
    ...series.flatMap(({ name, labelNames }) => [name, ...labelNames]).map((name) => `\`${name}\``),
  ].toSorted((a, b) => b.length - a.length);
  const lengthOf = (line: string) => {
    const own = line.startsWith('|') ? fromCode.reduce((left, text) => left.replace(text, ''), line) : line;
    return [...own.replace(/\]\([^)\s]+\)|https?:\/\/[^\s)>]+/g, ']')].length;
  };
  function faultsOf(text: string): string[] {
    const lines = text.trimEnd().split('\n').length;
    return [
      ...(lines > MOST_LINES ? [`${lines} lines`] : []),
      ...proseOf(text).flatMap((line, i) =>
        lengthOf(line) > MOST_CHARACTERS ? [`${lengthOf(line)} characters in line ${i + 1}`] : [],
      ),
    ];
  }
  const pages = files.filter((path) => /^docs\/.*\.md$/.test(path));

  test.for(pages)('%s can be read in one go', (page) => {
    expect(faultsOf(readFileSync(page, 'utf8'))).toEqual([]);
  });

  test.for<[string, string, string[]]>([
    ['too many lines', 'A line.\n'.repeat(251), ['251 lines']],
    ['as many as may be', 'A line.\n'.repeat(250), []],
    ['too long a line', `# A\n\n${'word '.repeat(28)}b`, ['141 characters in line 3']],
    ['too long a row', `| ${'word '.repeat(28)}|`, ['143 characters in line 1']],
    ['code', `\`\`\`\n${'word '.repeat(40)}\n\`\`\``, []],
    ['an address', `[here](${'https://example.com/'.repeat(8)})`, []],
    ['what the code says', `| \`TRAIL_SECONDS\` | \`21600\` | ${purposeOf('TRAIL_SECONDS')} |`, []],
    [
      'the same outside of a table',
      `${purposeOf('TRAIL_SECONDS')} ${'word '.repeat(15)}`,
      [expect.any(String)],
    ],
  ])('%s', ([, text, faults]) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test('the index names each of them once', () => {
    const index = readFileSync('docs/README.md', 'utf8');
    const named = index.split('\n').flatMap((line) => {
      const [, path] = /^- \[[^\]]+\]\(([^)]+)\): \S/.exec(line) ?? [];
      return path === undefined ? [] : [join('docs', path)];
    });
    expect(named.toSorted()).toEqual(pages.filter((page) => page !== 'docs/README.md').toSorted());
  });
});

describe('what is pointed to is there:', () => {
  const isThere = (path: string, anchor: string | undefined) =>
    existsSync(path) &&
    (anchor === undefined || !path.endsWith('.md') || anchorsIn(readFileSync(path, 'utf8')).includes(anchor));

  /** Links of a document that lead nowhere, by what they say. */
  function deadLinksIn(file: string, text: string): string[] {
    const prose = proseOf(text)
      .join('\n')
      .replace(/`[^`\n]+`/g, '');
    const links = prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g);
    return Array.from(links, ([, link, source]) => link ?? source ?? '').filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = '', anchor] = decodeURIComponent(target).split('#');
      return !isThere(path === '' ? file : posix.join(dirname(file), path), anchor);
    });
  }

  test.for(files.filter((path) => path.endsWith('.md')))('by links in %s', (file) => {
    expect(deadLinksIn(file, readFileSync(file, 'utf8'))).toEqual([]);
  });

  test.for<[string, string[]]>([
    ['[a](nowhere.md)', ['nowhere.md']],
    ['[a](protocol.md#nothing)', ['protocol.md#nothing']],
    ['[a](protocol.md#coming-back) [b](../SECURITY.md) [c](decisions)', []],
    ['[`a`](../nowhere/)', ['../nowhere/']],
    ['<img src="images/nothing.png">', ['images/nothing.png']],
    ['`[a](nowhere.md)` [b](https://example.com/nowhere.md)', []],
    ['```\n[a](nowhere.md)\n```', []],
  ])('%s', ([text, dead]) => {
    expect(deadLinksIn('docs/protocol.md', text)).toEqual(dead);
  });

  test('anchors are those of headings', () => {
    expect(anchorsIn('# `<b>`, and: R&D\n```\n# no\n```\n## 说 [x](y)\n## A\n## A')).toEqual([
      'b-and-rd',
      '说-x',
      'a',
      'a-1',
    ]);
  });

  /** Pages of ours: an address may lead to a folder `docs` of somebody else's. */
  function deadPagesIn(text: string): string[] {
    const named = text.matchAll(/\bdocs\/(?<!https?:\/\/\S*)[\w/-]+\.md(?:#([\w-]+))?/g);
    return Array.from(named, ([name, anchor]) => ({ name, anchor }))
      .filter(({ name, anchor }) => !isThere(name.split('#')[0] ?? '', anchor))
      .map(({ name }) => name);
  }

  test('by comments, messages and alerts that name a page', () => {
    const dead = files.flatMap((file) =>
      deadPagesIn(readFileSync(file, 'utf8')).map((name) => `${file}: ${name}`),
    );
    expect(dead).toEqual([]);
  });

  /** Not written as one word, or the test above would find the pages of these cases. */
  const nowhere = ['docs', 'nowhere.md'].join('/');
  test.for<[string, string[]]>([
    [`as ${nowhere} says`, [nowhere]],
    [`../${nowhere}`, [nowhere]],
    [`${nowhere}#nothing, docs/protocol.md#coming-back`, [`${nowhere}#nothing`]],
    [`https://example.com/blob/main/${nowhere}`, []],
    [`https://example.com/ and ${nowhere}`, [nowhere]],
  ])('%s', ([text, dead]) => {
    expect(deadPagesIn(text)).toEqual(dead);
  });
});

describe("nobody is told to run or install these packages by their names, which are nobody's in public registries:", () => {
  const FETCHED =
    /\b(?:npx|bunx|npm (?:exec|x|i|install|add)|pnpm (?:dlx|add)|yarn (?:dlx|add))\s+(?:-\S+\s+)*["'`]?carillon(?:-client)?(?:@(?!npm:)|(?![\w/@-]))/;
  test('in no file', () => {
    expect(files).toContain(join('docs', 'cli.md'));
    expect(files.filter((path) => FETCHED.test(readFileSync(path, 'latin1')))).toEqual([]);
  });

  test.for<[string, boolean]>([
    [['npx', 'carillon token ada'].join(' '), true],
    [['npx', '--yes carillon@latest doctor'].join(' '), true],
    [['npm', 'install -g carillon'].join(' '), true],
    [['npm', 'install carillon-client'].join(' '), true],
    [['npm', 'i carillon-client@latest react'].join(' '), true],
    ['npm install carillon-client@npm:@example/carillon-client', false],
    ['npm install ./vendor/carillon-client-0.1.0.tgz', false],
    ['npx vitest run', false],
    ['node dist/cli/main.js token ada', false],
  ])('%s', ([text, isFound]) => {
    expect(FETCHED.test(text)).toBe(isFound);
  });
});
