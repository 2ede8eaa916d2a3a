/**
 * The register of all examples in documents: which test runs each as it stands there, or why none does. A new block of code
 * fails here until it is in a test, or somebody says why not.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FencedBlock, fencedBlocksIn } from '../../support/fenced-blocks.ts';

const runBy = (path: string) => ({ test: path });
const notRun = (why: string) => ({ why });

const PYTHON = runBy('test/e2e/examples-python.test.ts');
const SHELL = runBy('test/e2e/examples-shell.test.ts');
const FORMATS = runBy('test/unit/documents/documented-formats.test.ts');
const APP = runBy('test/e2e/examples-app.test.ts');
const COMMANDS = runBy('test/e2e/examples-commands.test.ts');
const STORIES = runBy('test/e2e/examples-stories.test.ts');
const RIGHTS = runBy('test/integration/adapters/rabbitmq/rights.test.ts');
const REDIS_RIGHTS = runBy('test/integration/adapters/redis/rights.test.ts');
const TOPOLOGY = runBy('test/integration/adapters/rabbitmq/declared-elsewhere.test.ts');
const LOGIN = runBy('test/e2e/console-login.test.ts');
const LOGINS = runBy('test/e2e/examples-logins.test.ts');
const PACKAGES = runBy('test/e2e/packages.test.ts');
const SELF = notRun('it runs the tests');
const SOURCES = runBy('test/e2e/examples-sources.test.ts');
const CHART = runBy('test/unit/deploy/chart-choices.test.ts');
const DRAWING = notRun('a drawing or a formula');
const INSTALL = notRun('it installs packages from elsewhere');

type How = { readonly test: string } | { readonly why: string };

/** Files, a language, and a text that is in the block; the first that fits counts. */
const REGISTER: readonly (readonly [RegExp, string, string, How])[] = [
  [/^README(\.zh)?\.md$/, 'js', 'notifyToken', LOGINS],
  [/^README(\.zh)?\.md$/, 'python', 'notify_token', LOGINS],
  [/^README(\.zh)?\.md$/, 'go', 'notifyToken', LOGINS],
  [/^(README(\.zh)?|docs\/protocol)\.md$/, 'python', 'import', PYTHON],
  [/^README(\.zh)?\.md$/, 'sh', 'curl', SHELL],
  [/^README(\.zh)?\.md$/, 'sh', 'token ada', SHELL],
  [/^README(\.zh)?\.md$/, 'sh', 'npm ci && npm test', SELF],
  [/^README(\.zh)?\.md$/, 'sh', '', COMMANDS],
  [/^README(\.zh)?\.md$/, 'json', '', FORMATS],
  [/^README(\.zh)?\.md$/, 'yaml', 'sources:', SOURCES],
  [/^README(\.zh)?\.md$/, 'html', '', APP],
  [/^README(\.zh)?\.md$/, 'ts', '', APP],
  [/^CONTRIBUTING\.md$/, 'sh', 'npm test', SELF],
  [/^docs\/bell\.md$/, 'html', '', APP],
  [/^docs\/bell\.md$/, 'css', '', APP],
  [/^docs\/bell\.md$/, 'tsx', '', APP],
  [/^docs\/(bell|client)\.md$/, 'ts', '', APP],
  [/^docs\/cli\.md$/, '', 'carillon queues', runBy('test/integration/cli/queues.test.ts')],
  [/^docs\/cli\.md$/, '', '', COMMANDS],
  [/^docs\/cli\.md$/, 'sh', '', COMMANDS],
  [/^docs\/packages\.md$/, 'html', '', APP],
  [/^docs\/packages\.md$/, 'sh', 'registry', notRun("it needs a registry of one's own")],
  [/^docs\/packages\.md$/, 'sh', '', PACKAGES],
  [/^docs\/configuration\.md$/, 'yaml', 'routes:', FORMATS],
  [/^docs\/login-providers\.md$/, 'sh', 'JWKS_URL', runBy('test/unit/documents/login-providers.test.ts')],
  [/^docs\/display\.md$/, 'yaml', 'routes:', FORMATS],
  [/^docs\/display\.md$/, 'json', '"display"', FORMATS],
  [/^docs\/sources\.md$/, 'python', 'pika', SOURCES],
  [/^docs\/sources\.md$/, 'yaml', 'sources:', SOURCES],
  [/^docs\/sources\.md$/, 'sh', 'carillon sources try', SOURCES],
  [/^docs\/kubernetes\.md$/, 'sh', 'docker buildx', notRun('it needs Docker, and images from elsewhere')],
  [
    /^docs\/kubernetes\.md$/,
    'sh',
    'kubectl create',
    notRun('it needs a cluster; the chart asks for this Secret in its test'),
  ],
  [/^docs\/kubernetes\.md$/, 'sh', 'helm upgrade', CHART],
  [/^docs\/kubernetes\.md$/, 'yaml', 'serviceMonitor:', CHART],
  [/^docs\/observability\.md$/, 'json', 'not_ready', FORMATS],
  [/^docs\/rabbitmq-and-redis\.md$/, 'sh', 'carillon topology', TOPOLOGY],
  [/^docs\/rabbitmq-and-redis\.md$/, 'sh', 'set_permissions', RIGHTS],
  [/^docs\/rabbitmq-and-redis\.md$/, '', 'ACL SETUSER', REDIS_RIGHTS],
  [
    /^docs\/rabbitmq-and-redis\.md$/,
    'sh',
    'set_policy',
    notRun('rabbitmqctl of a whole node; policies.test.ts sets the same over HTTP'),
  ],
  [/^docs\/console\.md$/, 'toml', 'oidc_issuer_url', LOGIN],
  [/^docs\/console\.md$/, 'sh', 'JWKS_URL=', LOGIN],
  [/^docs\/(admin-api|console)\.md$/, 'sh', '', SHELL],
  [/^docs\/admin-api\.md$/, 'json', '"actor"', FORMATS],
  [/^docs\/admin-api\.md$/, 'json', '"lag"', FORMATS],
  [/^docs\/personal-data\.md$/, 'sh', '', runBy('test/integration/operate/personal-data/embedded.test.ts')],
  [/^docs\/deployment\.md$/, 'nginx', 'location /notify/', runBy('test/e2e/sub-path.test.ts')],
  [/^docs\/events\.md$/, 'json', 'data_base64', FORMATS],
  [/^docs\/decisions\//, 'sh', 'bench', notRun('a measurement of twenty minutes')],
  [/^examples\/clients\/browser\//, 'sh', '', COMMANDS],
  [/^examples\/clients\/python\//, 'sh', 'pip install', INSTALL],
  [/^examples\/clients\/python\//, 'sh', '', COMMANDS],
  [/^examples\/clients\/mobile\.md$/, 'swift', '', notRun('no Swift; the page says so')],
  [/^examples\/clients\/mobile\.md$/, 'kotlin', '', notRun('no Kotlin; the page says so')],
  [/^examples\/clients\/mobile\.md$/, 'dart', '', notRun('no Dart; the page says so')],
  [/^examples\/producers\//, 'sh', 'send.sh', SHELL],
  [/^examples\/producers\//, '', '422', SHELL],
  [/^examples\/support\//, 'ts', '', STORIES],
  [/^examples\/tracing\//, 'sh', 'traceparent', SHELL],
  [/^examples\/tracing\//, 'sh', 'npm install', INSTALL],
  [/^examples\/tracing\//, 'sh', 'otel.mjs', COMMANDS],
  [/^examples\/tracing\//, 'sh', 'docker', notRun('it needs Docker, and an image from elsewhere')],
  [/^examples\/(bell|chat|notices|orders|react|ticker)\//, 'sh', 'npm run story', STORIES],
  [/./, 'mermaid', '', DRAWING],
  [/^(README(\.zh)?|docs\/(costs|scaling)|examples\/ticker\/README)\.md$/, '', '', DRAWING],
];

const OTHERS = ['.git', 'node_modules', 'dist', 'coverage'];

function documentsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (OTHERS.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return documentsIn(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const blocks = documentsIn('.').flatMap(fencedBlocksIn);

function entryOf({ file, language, code }: FencedBlock) {
  return REGISTER.findIndex(
    ([files, known, text]) => files.test(file) && known === language && code.includes(text),
  );
}

test('each example is in a test, or it is said why not', () => {
  expect(blocks.length).toBeGreaterThan(60);
  const unknown = blocks.filter((block) => entryOf(block) < 0);
  expect(unknown.map(({ file, line, language }) => `${file}:${line} ${language}`)).toEqual([]);
});

test('the register names nothing that is not there', () => {
  const used = new Set(blocks.map(entryOf));
  expect(REGISTER.filter((_, i) => !used.has(i)).map(([files, , text]) => `${files} ${text}`)).toEqual([]);
  const tests = REGISTER.flatMap(([, , , how]) => ('test' in how ? [how.test] : []));
  expect(tests.filter((path) => !existsSync(path))).toEqual([]);
});

test('documents whose examples are not run say so', () => {
  expect(readFileSync('examples/clients/mobile.md', 'utf8')).toContain('were not run here');
});

test('tests that run examples take them from the documents', () => {
  for (const { test: path } of [PYTHON, SHELL, FORMATS, APP, COMMANDS, STORIES, LOGINS, PACKAGES]) {
    expect(readFileSync(path, 'utf8')).toContain('fencedBlock(');
  }
});
