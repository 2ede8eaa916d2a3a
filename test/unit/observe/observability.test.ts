/** The dashboard and the alerts in ops/ name only what the presence has, and each alert says what to do. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { DEAD_LETTERS, DELIVER_QUEUE } from '../../../src/adapters/rabbitmq/names.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { findDeployTool } from '../../support/deploy-tools.ts';
import { readExpression } from '../../support/promql.ts';
import { parseExposition } from '../../support/scrape.ts';

const read = (path: string) => readFileSync(path, 'utf8');

const alerts = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.strictObject({
            alert: z.string().regex(/^Carillon[A-Z]/),
            expr: z.string(),
            for: z
              .string()
              .regex(/^\d+[smh]$/)
              .optional(),
            labels: z.strictObject({ severity: z.enum(['info', 'warning', 'critical']) }),
            annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(read('ops/prometheus/alerts.yml')))
  .groups.flatMap(({ rules }) => rules);

const target = z.object({ expr: z.string(), datasource: z.object({ uid: z.string() }) });
const dashboard = z
  .object({
    templating: z.object({
      list: z.array(z.object({ name: z.string(), type: z.string(), query: z.unknown() })),
    }),
    panels: z.array(z.object({ title: z.string(), targets: z.array(target).default([]) })),
  })
  .parse(JSON.parse(read('ops/grafana/dashboards/carillon.json')));
const { panels } = dashboard;

const expressions = [
  ...alerts.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];

/** What Prometheus itself makes or adds; under a ServiceMonitor also where the target is. */
const OF_PROMETHEUS = { metrics: ['up'], labels: ['instance', 'job', 'namespace', 'pod'] };

/** A presence whose gauges have values, as those of a process with all parts. */
async function exposition() {
  const metrics = new Metrics({ node: 'a', version: '1', roles: 'gateway,consumer' });
  const parts = ['redis', 'redis_subscriptions', 'rabbitmq', 'consumer'];
  metrics.watch({
    health: () => ({ status: 'ready', parts: Object.fromEntries(parts.map((part) => [part, { ok: true }])) }),
    queues: async () => [DELIVER_QUEUE, DEAD_LETTERS].map((queue) => ({ queue, messages: 0, consumers: 0 })),
    pendingBytes: () => ({ sum: 0, largest: 0, memory: 0 }),
    consumer: () => ({
      isActive: true,
      queues: [{ queue: 'carillon.deliver', isActive: true }],
      inHand: 0,
      oldestAgeMs: 0,
    }),
    canary: () => ({ rabbitmq: true, consumer: true, redis: true, subscription: true }),
  });
  metrics.config.watch(() => [{ file: 'routes_file', isNewest: true, usedSinceMs: 1 }]);
  metrics.canaryArrived(1);
  return parseExposition((await metrics.expose()).text);
}

const series = await exposition();

function isIn(value: string, operator: string, wanted: string): boolean {
  return operator.endsWith('~') ? new RegExp(`^(?:${wanted})$`).test(value) : value === wanted;
}

/** What an expression names and the presence does not have. */
function unknownIn(text: string): string[] {
  const { selectors, grouped } = readExpression(text.replaceAll('$__rate_interval', '5m'));
  if (selectors.length === 0) return ['no metric'];
  const labels = new Set(OF_PROMETHEUS.labels);
  const faults = selectors.flatMap(({ metric, matchers }) => {
    const found = series.filter(({ name }) => name === metric);
    for (const label of found.flatMap((one) => Object.keys(one.labels))) labels.add(label);
    if (found.length === 0 && !OF_PROMETHEUS.metrics.includes(metric)) return [metric];
    return matchers
      .filter(({ label }) => !OF_PROMETHEUS.labels.includes(label))
      .flatMap(({ label, operator, value }) =>
        // Each of the alternatives has to be there, not only one of them.
        (operator.endsWith('~') ? value.split('|') : [value])
          .filter((one) => !found.some((sample) => isIn(sample.labels[label] ?? '\0', operator, one)))
          .map((one) => `${metric}{${label}="${one}"}`),
      );
  });
  return [...faults, ...grouped.filter((label) => !labels.has(label))];
}

test.each(expressions)('%s: %s', (_name, text) => {
  expect(unknownIn(text)).toEqual([]);
});

/** What an alert says of its place: nothing, unless it aggregates and forgets whose Carillon it was. */
const AGGREGATION = /\b(?:sum|max|min|group|count)\s*(?:by\s*\(([^)]*)\))?\s*\(/g;

describe('under a ServiceMonitor the job is the name of a Service, and namespaces have a Carillon each:', () => {
  test.each(expressions)('%s names no job: %s', (_name, text) => {
    const named = readExpression(text.replaceAll('$__rate_interval', '5m')).selectors.flatMap(
      ({ matchers }) => matchers.filter(({ label, value }) => label === 'job' && value !== '$job'),
    );
    expect(named).toEqual([]);
  });

  test.each(alerts)('$alert tells namespaces apart', ({ expr }) => {
    const kept = Array.from(expr.matchAll(AGGREGATION), ([, labels = '']) => labels.split(/\s*,\s*/));
    for (const labels of kept) expect(labels).toContain('namespace');
    // Two targets may have the same address, in two jobs.
    for (const [, labels = ''] of expr.matchAll(/\bon\s*\(([^)]*)\)/g))
      expect(labels).toMatch(/\bnamespace\b|^job, instance$/);
  });

  test('every panel asks for the namespace and the job that are chosen', () => {
    const chosen = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => readExpression(expr.replaceAll('$__rate_interval', '5m')).selectors),
    );
    expect(chosen.length).toBeGreaterThan(30);
    for (const { matchers } of chosen) {
      expect(matchers).toContainEqual({ label: 'namespace', operator: '=~', value: '$namespace' });
      expect(matchers).toContainEqual({ label: 'job', operator: '=~', value: '$job' });
    }
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace', 'job']);
  });
});

describe('faults that would be found', () => {
  test.each([
    ['max(carillon_gone)', ['carillon_gone']],
    ['sum(carillon_append_duration_seconds)', ['carillon_append_duration_seconds']],
    ['carillon_appends_total{kind="nobody"}', ['carillon_appends_total{kind="nobody"}']],
    ['carillon_appends_total{user="42"}', ['carillon_appends_total{user="42"}']],
    ['carillon_part_up{part=~"redis|radish"}', ['carillon_part_up{part="radish"}']],
    ['sum by (user) (carillon_ready)', ['user']],
    ['sum by (le) (carillon_ready)', ['le']],
    ['vector(1)', ['no metric']],
  ])('%s', (text, faults) => {
    expect(unknownIn(text)).toEqual(faults);
  });

  test.each(['sum(a', 'a)', 'a[5m', 'a{b="c}', 'a{b}', 'sum((a]'])('%s cannot be read', (text) => {
    expect(() => readExpression(text)).toThrow();
  });
});

test('each alert has a name of its own, and its runbook is a section that says something', () => {
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  const [, section = ''] = /\n## Alerts\n([\s\S]*?)\n## /.exec(read('docs/runbooks.md')) ?? [];
  const sections = section.split('\n### ').slice(1);
  const headings = sections.map((text) => text.slice(0, text.indexOf('\n')));
  expect(headings.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  for (const { alert, annotations } of alerts) {
    expect(annotations.runbook).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
  }
  for (const text of sections) expect(text.trim().split('\n\n').length).toBeGreaterThanOrEqual(3);
});

test('labels in a summary are those that its expression leaves', () => {
  for (const { expr, annotations } of alerts) {
    for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
      const { selectors, grouped } = readExpression(expr);
      const isGrouped = /\b(sum|max|min|group)\b/.test(expr);
      const left = isGrouped
        ? grouped
        : [
            ...OF_PROMETHEUS.labels,
            ...series.flatMap(({ name, labels }) =>
              selectors.some(({ metric }) => metric === name) ? Object.keys(labels) : [],
            ),
          ];
      expect(left, annotations.summary).toContain(label);
    }
  }
});

/** Prometheus' own checker, where `npm run test:deploy` could bring it or somebody has it. */
const promtool = findDeployTool('promtool');

describe.skipIf(promtool === undefined)('promtool', () => {
  const run = (...args: string[]) => execFileSync(promtool ?? '', args, { encoding: 'utf8', stdio: 'pipe' });

  test('takes the configuration and the rules', () => {
    expect(run('check', 'config', 'ops/prometheus/prometheus.yml')).toContain('SUCCESS');
  });

  test('sees the alerts fire when they should', () => {
    expect(run('test', 'rules', 'ops/prometheus/alerts.test.yml')).toContain('SUCCESS');
  });
});

test('every panel asks the datasource that is chosen, one is provisioned, and what is mounted exists', () => {
  const { datasources } = z
    .object({ datasources: z.array(z.object({ type: z.string(), url: z.string() })) })
    .parse(parse(read('ops/grafana/provisioning/datasources/prometheus.yml')));
  const [choice] = dashboard.templating.list.filter(({ type }) => type === 'datasource');
  expect(datasources.map(({ type }) => type)).toContain(choice?.query);
  for (const { targets } of panels)
    for (const { datasource } of targets) expect(datasource.uid).toBe(`\${${choice?.name}}`);

  const service = z.object({
    image: z.string(),
    profiles: z.array(z.string()).default([]),
    volumes: z.array(z.string()).default([]),
    ports: z.array(z.string()).default([]),
    cap_drop: z.array(z.string()).default([]),
    read_only: z.boolean().default(false),
  });
  const { services } = z
    .object({ services: z.record(z.string(), z.unknown()) })
    .parse(parse(read('docker-compose.yml'), { merge: true }));
  for (const name of ['prometheus', 'grafana']) {
    const { image, profiles, volumes, ports, cap_drop, read_only } = service.parse(services[name]);
    expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    expect(profiles).toEqual(['observability']);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    expect({ cap_drop, read_only }).toEqual({ cap_drop: ['ALL'], read_only: true });
    const mounted = volumes
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((path) => path.startsWith('../'));
    expect(mounted.filter((path) => !existsSync(path))).toEqual([]);
  }

  const { scrape_configs: jobs, rule_files: rules } = z
    .object({
      rule_files: z.array(z.string()),
      scrape_configs: z.array(
        z.object({
          job_name: z.string(),
          static_configs: z.array(z.object({ targets: z.array(z.string()) })),
        }),
      ),
    })
    .parse(parse(read('ops/prometheus/prometheus.yml')));
  expect(rules.every((path) => existsSync(`ops/prometheus/${path}`))).toBe(true);
  const targets = jobs.flatMap((job) => job.static_configs.flatMap((config) => config.targets));
  for (const one of targets) expect(Object.keys(services)).toContain(one.split(':')[0]);
  expect(jobs.map((job) => job.job_name)).toEqual(['carillon']);
});
