/** The rules of the code that a compiler does not check: who may import whom, sizes, names, and no silenced types. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Texts by path from the project's root. */
type Files = Readonly<Record<string, string>>;
/** A rule gives its faults, each as `path: what`. */
type Rule = (files: Files) => string[];

function readFiles(...folders: string[]): Files {
  const root = new URL('../', import.meta.url);
  const paths = folders.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((path) =>
      posix.join(folder, path.replaceAll('\\', '/')),
    ),
  );
  return Object.fromEntries(
    paths
      .filter((path) => /\.(ts|lua)$/.test(path))
      .map((path) => [path, readFileSync(new URL(path, root), 'utf8')]),
  );
}

/** Paths, or beginnings of paths, that files at a path or below it may import. The first that fits counts. */
const MAY_IMPORT: readonly (readonly [string, readonly string[]])[] = [
  ['src/contract/', ['src/contract/']],
  ['src/pipeline/routing/', ['src/pipeline/routing/', 'src/contract/']],
  ['src/limits/', ['src/limits/', 'src/contract/', 'src/edge/limits/token-bucket.ts']],
  ['src/inbox/', ['src/inbox/', 'src/contract/', 'src/limits/']],
  ['src/ingest/', ['src/ingest/', 'src/contract/']],
  ['src/operate/access/', ['src/operate/access/', 'src/contract/']],
  ['src/observe/outcomes/', ['src/observe/outcomes/', 'src/contract/', 'src/inbox/']],
  [
    'src/presence/',
    ['src/presence/', 'src/contract/', 'src/adapters/redis/script.ts', 'src/adapters/redis/micro-batch.ts'],
  ],
  [
    'src/signals/',
    [
      'src/signals/',
      'src/contract/',
      'src/inbox/',
      'src/adapters/rabbitmq/publisher.ts',
      'src/adapters/rabbitmq/link.ts',
      'src/adapters/rabbitmq/topology.ts',
    ],
  ],
  ['src/observe/activity/', ['src/observe/activity/', 'src/contract/']],
  ['src/operate/access/', ['src/operate/access/', 'src/contract/']],
  ['src/edge/connections/', ['src/edge/connections/', 'src/contract/']],
  [
    'src/gateway/',
    ['src/gateway/', 'src/contract/', 'src/edge/connections/', 'src/pipeline/inbox/inbox.ts', 'src/limits/'],
  ],
  ['src/edge/http/console/', ['src/edge/http/', 'src/contract/', 'src/observe/activity/activity.ts']],
  ['src/edge/http/', ['src/edge/http/', 'src/contract/', 'src/edge/connections/']],
  ['src/observe/', ['src/observe/', 'src/contract/']],
  ['src/clients/client/', ['src/clients/client/', 'src/contract/']],
  ['src/clients/bell/', ['src/clients/bell/', 'src/clients/client/connect.ts']],
  ['src/clients/react/', ['src/clients/react/', 'src/clients/client/connect.ts']],
  [
    'src/cli/',
    [
      'src/cli/',
      'src/contract/',
      'src/clients/client/connect.ts',
      'src/operate/access/tokens.ts',
      'src/config',
      'src/adapters/rabbitmq/link.ts',
      'src/adapters/rabbitmq/topology.ts',
      'src/adapters/rabbitmq/refusal.ts',
      'src/observe/log.ts',
      'src/adapters/redis/connections.ts',
      'src/pipeline/routing/routes-file.ts',
    ],
  ],
  [
    'src/pipeline/deliver.ts',
    [
      'src/contract/',
      'src/pipeline/inbox/inbox.ts',
      'src/pipeline/inbox/append-queue.ts',
      'src/pipeline/ingest/settlement.ts',
      'src/pipeline/routing/',
      'src/observe/outcomes/outcomes.ts',
    ],
  ],
  [
    'src/pipeline/deliver-canary.ts',
    ['src/contract/', 'src/pipeline/inbox/append-queue.ts', 'src/pipeline/ingest/settlement.ts'],
  ],
  ['src/adapters/redis/connections.ts', ['src/redis-']],
  ['src/adapters/redis/clock.ts', ['src/adapters/redis/connections.ts']],
  ['src/redis-', []],
  ['src/config/config.ts', ['src/config/kinds.ts', 'src/config/addresses.ts']],
  ['src/config-', []],
  ['src/app/service.ts', ['src/']],
  ['src/app/', ['src/']],
  [
    'src/main.ts',
    [
      'src/config/config.ts',
      'src/config/limits.ts',
      'src/app/service.ts',
      'src/observe/',
      'src/pipeline/routing/routes-file.ts',
    ],
  ],
];

function importsOf(path: string, text: string): string[] {
  return Array.from(
    text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g),
    ([, target = '']) => posix.join(posix.dirname(path), target),
  );
}

const forbiddenImports: Rule = (files) =>
  typescript(files, 'src/').flatMap(([path, text]) => {
    const allowed = MAY_IMPORT.find(([start]) => path.startsWith(start))?.[1];
    if (allowed === undefined) return [`${path}: has no rule`];
    return importsOf(path, text)
      .filter((target) => !allowed.some((start) => target.startsWith(start)))
      .map((target) => `${path}: imports ${target}`);
  });

const MAX_LINES = 300;
const MAX_MEDIAN_LINES = 120;

const linesOf = (text: string) => text.trimEnd().split('\n').length;

const tooLong: Rule = (files) =>
  Object.entries(files)
    .filter(([, text]) => linesOf(text) > MAX_LINES)
    .map(([path, text]) => `${path}: ${linesOf(text)} lines`);

const longInTheMiddle: Rule = (files) => {
  const lengths = Object.entries(files)
    .filter(([path]) => path.startsWith('src/'))
    .map(([, text]) => linesOf(text))
    .sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  return median < MAX_MEDIAN_LINES ? [] : [`src/: the median is ${median} lines`];
};

const badNames: Rule = (files) =>
  Object.keys(files)
    .filter((path) => path.split('/').some((name) => /^(index|utils?|helpers?)(\.|$)/.test(basename(name))))
    .map((path) => `${path}: says nothing of its subject`);

const withoutPurpose: Rule = (files) =>
  Object.entries(files)
    .filter(([path, text]) => path.startsWith('src/') && !/^(#!.*\n)?(\/\*\*|\/\/|--)\s*\S/.test(text))
    .map(([path]) => `${path}: does not begin with what it is for`);

const silencedTypes: Rule = (files) =>
  typescript(files).flatMap(([path, text]) => {
    const code = codeOf(text)
      .replaceAll(/^import\s[^;]*?\bfrom\b/gm, '')
      .replaceAll(/^export\s+(type\s+)?[*{][^;]*;/gm, '');
    const faults = [
      [/(?<!\.)\bas\s+(?!const\b)[\w{[(]/, 'a cast'],
      [/(?:[:<|&,(=[>]|\b(?:as|extends|keyof|is))\s*\bany\b/, 'the type any'],
      [/[\w$)\]]!(?!=)/, 'a non-null assertion'],
    ] as const;
    return faults.filter(([pattern]) => pattern.test(code)).map(([, fault]) => `${path}: has ${fault}`);
  });

function typescript(files: Files, folder = ''): [string, string][] {
  return Object.entries(files).filter(([path]) => path.startsWith(folder) && path.endsWith('.ts'));
}

/** Code without comments, and with strings, regular expressions and the text of templates left empty. */
function codeOf(source: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/\w*|[\s\S]/y;
  const templateText = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
  /** For each brace that is open, whether it is a template's. */
  const braces: boolean[] = [];
  let code = '';
  let at = 0;
  const next = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0] ?? '';
    at += found.length;
    return found;
  };
  while (at < source.length) {
    const found = next(token);
    const endsExpression = found === '}' && braces.pop() === true;
    if (found === '{') braces.push(false);
    if (found === '`' || endsExpression) {
      if (next(templateText).endsWith('{')) braces.push(true);
      code += endsExpression ? ')' : '(';
    } else if (/^(\/\/|\/\*)/.test(found)) {
      code += ' ';
    } else if (found.length > 1 && found.startsWith('/') && !/([(,=:[!&|?{};>]|return)\s*$/.test(code)) {
      // A division: what follows it is code again.
      at -= found.length - 1;
      code += '/';
    } else {
      code += found.length > 1 ? "''" : found;
    }
  }
  return code;
}

const project = readFiles('src', 'test');
const lines = (count: number) => '//\n'.repeat(count);

describe.each<[string, Rule, Files, string[]]>([
  [
    'files import only what their layer may know',
    forbiddenImports,
    {
      'src/contract/a.ts': "import { b } from './b.ts';\nimport 'node:fs';",
      'src/contract/b.ts': "export * from '../inbox/inbox.ts';",
      'src/routing/c.ts': "const d = await import('../config.ts');",
      'src/gateway/d.ts':
        "import type { Inbox } from '../inbox/inbox.ts';\nimport { Lanes } from '../inbox/lanes.ts';",
      'src/service/e.ts': "import { f } from '../deliver.ts';",
      'src/main.ts': "import {\n  x,\n} from './deliver.ts';\nimport './config.ts';",
      'src/adapters/redis/connections.ts': "import './config.ts';\nimport { Redis } from 'ioredis';",
      'src/config/config.ts': "import '../test/support/until.ts';",
      'src/stray.ts': '',
      'src/append.lua': '',
    },
    [
      'src/contract/b.ts: imports src/pipeline/inbox/inbox.ts',
      'src/routing/c.ts: imports src/config/config.ts',
      'src/gateway/d.ts: imports src/pipeline/inbox/append-queue.ts',
      'src/main.ts: imports src/pipeline/deliver.ts',
      'src/adapters/redis/connections.ts: imports src/config/config.ts',
      'src/config/config.ts: imports test/support/until.ts',
      'src/stray.ts: has no rule',
    ],
  ],
  [
    'no file is longer than 300 lines',
    tooLong,
    { 'src/a.ts': lines(300), 'test/b.test.ts': lines(301) },
    ['test/b.test.ts: 301 lines'],
  ],
  [
    'half of the source files are shorter than 120 lines',
    longInTheMiddle,
    { 'src/a.ts': lines(20), 'src/b.ts': lines(120), 'src/c.ts': lines(121), 'test/d.ts': lines(1) },
    ['src/: the median is 120 lines'],
  ],
  [
    'names say what is inside',
    badNames,
    {
      'src/index.ts': '',
      'src/utils/a.ts': '',
      'test/helpers.ts': '',
      'src/util.ts': '',
      'src/http/indexed.ts': '',
    },
    ['src/index.ts', 'src/utils/a.ts', 'test/helpers.ts', 'src/util.ts'].map(
      (path) => `${path}: says nothing of its subject`,
    ),
  ],
  [
    'every source file begins with what it is for',
    withoutPurpose,
    {
      'src/a.ts': '/** A. */\n',
      'src/b.lua': '#!lua\n-- B\n',
      'src/c.ts': "import 'node:fs';\n/** C. */",
      'src/d.ts': '',
    },
    ['src/c.ts: does not begin with what it is for', 'src/d.ts: does not begin with what it is for'],
  ],
  [
    'no type is silenced',
    silencedTypes,
    {
      'src/fine.ts': [
        "import { type A as B, c as d } from './a.ts';\nimport * as e from 'e';\nexport { d as f };",
        'const a = [1] as const; // as any\n/* b as C! */ const s = "x as any";',
        `const t = \`as any \${ok(\`as \${a} any!\`)} as B!\`; const r = /[/"] as any!/.test(s); const q = a / b / c;`,
        'const anyone: Any = !a !== !b && Promise.any([]) && x satisfies Y;',
      ].join('\n'),
      'src/cast.ts': 'const a = b as unknown;',
      'src/hidden-cast.ts': `const a = \`\${b as C}\`;`,
      'src/any.ts': 'const a: Record<string, any> = {};',
      'src/any-array.ts': 'function f(a: any[]) {}',
      'test/bang.ts': 'const a = list[0]!.length; const r = a / b;',
    },
    [
      'src/cast.ts: has a cast',
      'src/hidden-cast.ts: has a cast',
      'src/any.ts: has the type any',
      'src/any-array.ts: has the type any',
      'test/bang.ts: has a non-null assertion',
    ],
  ],
])('%s', (_name, rule, madeUp, faults) => {
  test('holds for this project', () => {
    expect(rule(project)).toEqual([]);
  });

  test('finds the faults of a made-up project', () => {
    expect(rule(madeUp)).toEqual(faults);
  });
});

test('the project was read', () => {
  expect(Object.keys(project)).toEqual(
    expect.arrayContaining(['src/main.ts', 'src/pipeline/inbox/append.lua', 'test/architecture.test.ts']),
  );
});
