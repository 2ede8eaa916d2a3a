/** Routes and sources that are read again: what is logged, counted and shown of it, and when nothing is done any more. */
import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { Reloading, readConfigFiles } from '../../../src/app/reloading.ts';
import { readConfig } from '../../../src/config/config.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { NotUsable } from '../../../src/pipeline/reloaded-file.ts';
import { parseExposition, sumOf } from '../../support/scrape.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const ROUTES = 'routes: [{ type: a, audience: [global] }]';
const OTHER_ROUTES = 'routes: [{ type: b, audience: [global] }]';
const SOURCES = 'sources: [{ queue: a }]';
const OTHER_SOURCES = 'sources: [{ queue: b }]';

const open: Reloading[] = [];
afterEach(() => {
  for (const reloading of open.splice(0)) reloading.close();
});

function opened() {
  const paths = {
    ROUTES_FILE: temporaryFile('routes.yaml', ROUTES),
    SOURCES_FILE: temporaryFile('sources.yaml', SOURCES),
  };
  const config = readConfig({
    ...paths,
    AMQP_URL: 'amqp://localhost',
    REDIS_URL: 'redis://localhost',
    JWT_SECRET: 'a-secret-for-tests-of-more-than-32-characters',
  });
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) });
  const metrics = new Metrics({ node: 'a', version: '1', roles: 'gateway' });
  const used: string[] = [];
  const refusals: string[] = [];
  const reloading = new Reloading({
    files: readConfigFiles(config),
    useRoutes: (routes) => used.push(...routes.map(({ type }) => `route ${type}`)),
    useSources: async (sources) => {
      if (refusals.length > 0) throw new NotUsable(refusals);
      used.push(...sources.map((source) => `queue ${'queue' in source ? source.queue : ''}`));
    },
    log,
    metrics: metrics.config,
  });
  open.push(reloading);
  const series = async () => parseExposition((await metrics.expose()).text);
  return {
    ...paths,
    reloading,
    lines,
    used,
    refusals,
    count: async (file: string, result: string) =>
      sumOf(await series(), 'carillon_config_reloads_total', { file, result }),
    gauge: async (name: string, file: string) => sumOf(await series(), `carillon_config_${name}`, { file }),
    reasonOf: (part: string) => {
      const { ok, reason } = reloading.probes[part]?.() ?? { ok: false };
      expect(ok).toBe(true);
      return reason;
    },
  };
}

test('changes are used by themselves', async () => {
  const { ROUTES_FILE, SOURCES_FILE, reloading, used } = opened();
  reloading.start();
  writeFileSync(ROUTES_FILE, OTHER_ROUTES);
  writeFileSync(SOURCES_FILE, OTHER_SOURCES);
  await until('both to be used', 20_000, () => used.length === 2);
  expect(used).toEqual(['route b', 'queue b']);
});

test('what is used is logged with a hash, counted and timed', async () => {
  const { ROUTES_FILE, reloading, lines, used, count, gauge } = opened();
  const startedAt = await gauge('reload_success_timestamp_seconds', 'routes_file');
  expect(await gauge('newest', 'routes_file')).toBe(1);
  await reloading.reload();
  expect(lines).toMatchObject([
    { file: 'routes_file', msg: 'the file has not changed' },
    { file: 'sources_file', msg: 'the file has not changed' },
  ]);
  const before = lines[0]?.hash;
  expect(before).toMatch(/^[0-9a-f]{12}$/);
  writeFileSync(ROUTES_FILE, OTHER_ROUTES);
  await reloading.reload();
  expect(used).toEqual(['route b']);
  const line = lines.find(({ msg }) => msg === 'the file has changed, and is in use');
  expect(line).toMatchObject({ file: 'routes_file', path: ROUTES_FILE });
  expect(line?.hash).not.toBe(before);
  expect(await count('routes_file', 'taken')).toBe(1);
  expect(await count('sources_file', 'unchanged')).toBe(2);
  expect(await count('sources_file', 'taken')).toBe(0);
  expect(await gauge('reload_success_timestamp_seconds', 'routes_file')).toBeGreaterThan(
    startedAt ?? Infinity,
  );
});

test('a fault is logged with its line, counted, and a warning in readiness until it is mended', async () => {
  const { ROUTES_FILE, reloading, lines, used, count, gauge, reasonOf } = opened();
  writeFileSync(ROUTES_FILE, 'routes:\n  - audience: [global]\n  - audience: [global]\n');
  await reloading.reload();
  expect(lines[0]).toMatchObject({
    level: 50,
    code: 'config_not_reloaded',
    result: 'invalid',
    file: 'routes_file',
    count: 2,
    faults: [expect.stringContaining('routes.yaml:2: '), expect.stringContaining('routes.yaml:3: ')],
  });
  expect(reasonOf('routes_file')).toMatch(
    /^what was read at 20\S+Z is in use: \S+routes\.yaml:2: .* \(and 1 more\)$/,
  );
  expect(reasonOf('sources_file')).toBeUndefined();
  expect(await gauge('newest', 'routes_file')).toBe(0);
  expect(await gauge('newest', 'sources_file')).toBe(1);
  expect(await count('routes_file', 'invalid')).toBe(1);
  writeFileSync(ROUTES_FILE, OTHER_ROUTES);
  await reloading.reload();
  expect(reasonOf('routes_file')).toBeUndefined();
  expect(await gauge('newest', 'routes_file')).toBe(1);
  expect(used).toEqual(['route b']);
});

test('a file with a fault in each line neither fills the log nor readiness', async () => {
  const { SOURCES_FILE, reloading, lines, reasonOf } = opened();
  writeFileSync(SOURCES_FILE, `sources:\n${`  - ${'x'.repeat(500)}: 1\n`.repeat(1_000)}`);
  await reloading.reload();
  const { faults, count } = lines.find(({ file }) => file === 'sources_file') ?? {};
  expect(faults).toHaveLength(20);
  expect(count).toBeGreaterThan(999);
  expect(reasonOf('sources_file')?.length).toBeLessThan(500);
});

test('what RabbitMQ does not allow is tried again by itself', async () => {
  const { SOURCES_FILE, reloading, lines, used, refusals, count, reasonOf } = opened();
  refusals.push('queue b: it does not exist');
  writeFileSync(SOURCES_FILE, OTHER_SOURCES);
  await reloading.reload();
  expect(lines[1]).toMatchObject({ result: 'refused', faults: ['queue b: it does not exist'] });
  expect(reasonOf('sources_file')).toContain('queue b: it does not exist');
  reloading.start();
  refusals.pop();
  await until('it to be used', 20_000, () => used.length > 0);
  expect(used).toEqual(['queue b']);
  expect(await count('sources_file', 'refused')).toBe(1);
});

test('told several times at once it looks one at a time; closed, it does nothing', async () => {
  const { ROUTES_FILE, reloading, lines, used } = opened();
  writeFileSync(ROUTES_FILE, OTHER_ROUTES);
  await Promise.all([reloading.reload(), reloading.reload(), reloading.reload()]);
  expect(used).toEqual(['route b']);
  reloading.close();
  writeFileSync(ROUTES_FILE, ROUTES);
  lines.splice(0);
  await reloading.reload();
  expect(used).toEqual(['route b']);
  expect(lines).toEqual([]);
});
