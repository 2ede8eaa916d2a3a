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

const COMMON = ['src/contract/', 'src/resilience/'];

const [AMQP_ADDRESS, TLS_FILES] = ['src/config/amqp-address.ts', 'src/config/tls-files.ts'] as const;

/** What a path's files may import besides their own folder; the first match counts. Only `app/` may import everything. */
const MAY_IMPORT: readonly (readonly [string, readonly string[]])[] = [
  // What others speak, and what needs nobody.
  ['src/contract/', []],
  ['src/resilience/', []],
  ['src/config/', ['src/resilience/']],
  // The drivers. What implements a port over them stands beside the port.
  ['src/adapters/redis/', [...COMMON, 'src/config/redis-address.ts', TLS_FILES]],
  ['src/adapters/rabbitmq/', [...COMMON, AMQP_ADDRESS, TLS_FILES]],
  // An event's way.
  ['src/pipeline/routing/', [...COMMON, 'src/pipeline/yaml-file.ts']],
  ['src/pipeline/sources/', ['src/contract/', 'src/adapters/rabbitmq/', 'src/pipeline/']],
  ['src/pipeline/inbox/', [...COMMON, 'src/adapters/redis/']],
  [
    'src/pipeline/ingest/',
    [
      ...COMMON,
      AMQP_ADDRESS,
      'src/adapters/rabbitmq/',
      'src/operate/dead-letters/',
      'src/pipeline/inbox/live-message.ts',
      'src/pipeline/sources/',
      'src/pipeline/event-life.ts',
      'src/pipeline/event-observer.ts',
    ],
  ],
  ['src/pipeline/', COMMON],
  // What users and producers connect to.
  ['src/edge/connections/', COMMON],
  ['src/edge/limits/', [...COMMON, 'src/pipeline/inbox/meter.ts']],
  [
    'src/edge/gateway/',
    [
      ...COMMON,
      'src/edge/connections/',
      'src/edge/limits/',
      'src/pipeline/inbox/',
      'src/operate/access/',
      'src/adapters/redis/',
    ],
  ],
  [
    'src/edge/http/',
    [
      ...COMMON,
      'src/edge/connections/',
      'src/edge/limits/',
      'src/pipeline/inbox/',
      'src/operate/access/',
      'src/observe/activity/activity.ts',
    ],
  ],
  ['src/reach/', [...COMMON, AMQP_ADDRESS, 'src/pipeline/inbox/', 'src/operate/signals/', 'src/adapters/']],
  // What operators do and see.
  [
    'src/operate/dead-letters/',
    [...COMMON, AMQP_ADDRESS, 'src/pipeline/ingest/', 'src/pipeline/sources/', 'src/adapters/'],
  ],
  ['src/operate/signals/', [...COMMON, 'src/adapters/rabbitmq/']],
  ['src/operate/', [...COMMON, 'src/adapters/redis/']],
  [
    'src/observe/outcomes/',
    [...COMMON, 'src/pipeline/inbox/', 'src/pipeline/event-observer.ts', 'src/adapters/redis/'],
  ],
  [
    'src/observe/',
    [
      ...COMMON,
      'src/pipeline/event-life.ts',
      'src/pipeline/event-observer.ts',
      'src/pipeline/inbox/live-message.ts',
      'src/pipeline/ingest/settlement.ts',
      'src/edge/gateway/delivery-observer.ts',
      'src/adapters/redis/keys.ts',
    ],
  ],
  // Run elsewhere: on people's devices, and in an operator's terminal.
  ['src/clients/client/', ['src/contract/']],
  ['src/clients/', ['src/clients/client/connect.ts']],
  [
    'src/cli/',
    [
      ...COMMON,
      'src/clients/client/connect.ts',
      'src/operate/access/tokens.ts',
      'src/config/',
      'src/adapters/',
      'src/observe/log.ts',
      'src/pipeline/routing/',
      'src/pipeline/sources/',
      'src/pipeline/yaml-file.ts',
    ],
  ],
  ['src/app/', ['src/']],
  [
    'src/main.ts',
    ['src/config/', 'src/app/service.ts', 'src/observe/', 'src/resilience/', 'src/pipeline/yaml-file.ts'],
  ],
];

/** Drivers are known in adapters/, and by what implements a port beside it and says so by its name. Types are free. */
const DRIVERS = /^import (?!type\b)[^;]*? from '(ioredis|amqplib)\b/m;
const MAY_KNOW_DRIVERS =
  /^src\/(adapters\/|.*\/(redis|rabbitmq)-[^/]*$|cli\/(doctor-redis[a-z-]*|send-amqp)\.ts)/;

const knownDrivers: Rule = (files) =>
  typescript(files, 'src/')
    .filter(([path, text]) => DRIVERS.test(text) && !MAY_KNOW_DRIVERS.test(path))
    .map(([path]) => `${path}: knows a driver`);

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
    const room = MAY_IMPORT.find(([start]) => path.startsWith(start))?.[0] ?? path;
    const isFolder = room.endsWith('/');
    return importsOf(path, text)
      .filter((target) => !(isFolder && target.startsWith(room)))
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

function typescript(files: Files, folder = ''): [string, string][] {
  return Object.entries(files).filter(([path]) => path.startsWith(folder) && path.endsWith('.ts'));
}

const project = readFiles('src', 'test');
const lines = (count: number) => '//\n'.repeat(count);

describe.each<[string, Rule, Files, string[]]>([
  [
    'files import only what their storey may know',
    forbiddenImports,
    {
      'src/contract/a.ts': "import { b } from './b.ts';\nimport 'node:fs';",
      'src/contract/b.ts': "export * from '../pipeline/inbox/inbox.ts';",
      'src/pipeline/routing/c.ts': "const d = await import('../../config/config.ts');",
      'src/edge/gateway/d.ts': "import type { Inbox } from '../../pipeline/inbox/inbox.ts';",
      'src/edge/gateway/wire/e.ts': "import { f } from '../../../pipeline/deliver.ts';\nimport '../d.ts';",
      'src/app/f.ts': "import { g } from '../pipeline/deliver.ts';",
      'src/main.ts': "import {\n  x,\n} from './pipeline/deliver.ts';\nimport './config/config.ts';",
      'src/adapters/redis/connections.ts':
        "import '../../config/config.ts';\nimport { Redis } from 'ioredis';",
      'src/config/config.ts': "import '../../test/support/until.ts';",
      'src/stray.ts': '',
      'src/append.lua': '',
    },
    [
      'src/contract/b.ts: imports src/pipeline/inbox/inbox.ts',
      'src/pipeline/routing/c.ts: imports src/config/config.ts',
      'src/edge/gateway/wire/e.ts: imports src/pipeline/deliver.ts',
      'src/main.ts: imports src/pipeline/deliver.ts',
      'src/adapters/redis/connections.ts: imports src/config/config.ts',
      'src/config/config.ts: imports test/support/until.ts',
      'src/stray.ts: has no rule',
    ],
  ],
  [
    'drivers are known in adapters/',
    knownDrivers,
    {
      'src/adapters/redis/a.ts': "import { Redis } from 'ioredis';",
      'src/pipeline/inbox/redis-b.ts': "import { Cluster } from 'ioredis';",
      'src/pipeline/inbox/b.ts': "import type { Redis } from 'ioredis';",
      'src/pipeline/inbox/c.ts': "import { type Redis, Cluster } from 'ioredis';",
      'src/edge/gateway/d.ts': "import {\n  connect,\n} from 'amqplib';",
    },
    ['src/pipeline/inbox/c.ts: knows a driver', 'src/edge/gateway/d.ts: knows a driver'],
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
