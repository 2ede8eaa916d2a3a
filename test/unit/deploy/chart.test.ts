/** The Helm chart as it is written: its values, its copies, and what its templates say of variables, ports and probes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { chartFiles } from '../../../scripts/chart-files.ts';
import { chartValues, notInConfig } from '../../../scripts/chart-values.ts';
import { documentedVariables, readConfig } from '../../../src/config/config.ts';
import { limitsThatDoNotFit } from '../../../src/config/limits.ts';
import { parseRoutes } from '../../../src/pipeline/routing/routes-file.ts';
import { CHART } from '../../support/chart.ts';

const read = (path: string) => readFileSync(path, 'utf8');
const values: unknown = parse(read(`${CHART}/values.yaml`));
const checked = chartValues.parse(values);
const defaults = readConfig({});
const templates = readdirSync(`${CHART}/templates`, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(yaml|tpl|txt)$/.test(name))
  .map((name) => ({ name, text: read(join(CHART, 'templates', name)) }));
const all = templates.map(({ text }) => text).join('\n');

test.for(Object.entries(await chartFiles()))('%s is what `npm run contracts` writes', ([path, text]) => {
  expect(read(path)).toBe(text);
});

test('the version of the program is that of the package', () => {
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')));
  expect(parse(read(`${CHART}/Chart.yaml`))).toMatchObject({ appVersion: version });
});

describe('values', () => {
  test('are what the schema says', () => {
    expect(chartValues.safeParse(values).error).toBeUndefined();
  });

  test.for<[string, object]>([
    ['a variable that nobody knows', { config: { ALOWED_ORIGINS: 'https://app.example.com' } }],
    ['a password where everybody can read it', { config: { AMQP_URL: 'amqp://u:p@rabbitmq' } }],
    ['a role for all pods', { config: { ROLES: 'gateway' } }],
    ['a value that is none', { gatway: {} }],
    ['a digest that is none', { image: { ...checked.image, digest: 'latest' } }],
    ['another controller', { ingress: { ...checked.ingress, controller: 'traefik' } }],
  ])('%s is refused', ([, change]) => {
    expect(chartValues.safeParse({ ...checked, ...change }).success).toBe(false);
  });

  test('the program takes the variables, and they fit each other', () => {
    const config = readConfig(
      Object.fromEntries(Object.entries(checked.config).map(([name, value]) => [name, String(value)])),
    );
    expect(limitsThatDoNotFit(config)).toEqual([]);
  });

  test('the routes are some', () => {
    expect(parseRoutes(checked.routes.file, 'values.yaml')).toEqual([]);
  });

  test('those of a pod for 20,000 connections are those of deploy/kubernetes', () => {
    const kustomize = read('deploy/kubernetes/base/gateway.yaml');
    for (const part of [checked.gateway, checked.consumer]) {
      const { requests, limits } = z
        .object({ requests: z.record(z.string(), z.string()), limits: z.record(z.string(), z.string()) })
        .parse(part.resources);
      const file = part === checked.gateway ? kustomize : read('deploy/kubernetes/base/consumer.yaml');
      expect(file).toContain(`requests: { cpu: ${requests.cpu}, memory: ${requests.memory} }`);
      expect(file).toContain(`limits: { memory: ${limits.memory} }`);
    }
  });
});

describe('templates', () => {
  /** Every path of a value, by dots; what Kubernetes reads as a whole ends there. */
  function paths(value: unknown, path: string): string[] {
    const entries =
      value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
    return entries.length === 0
      ? [path]
      : [path, ...entries.flatMap(([name, one]) => paths(one, `${path}.${name}`))];
  }
  const known = new Set(paths(values, '').map((path) => path.slice(1)));

  test.for(templates)('$name asks for values that there are', ({ text }) => {
    const asked = Array.from(text.matchAll(/\.Values\.([\w.]+)/g), ([, path = '']) => path);
    // config holds what somebody sets of all variables.
    const unknown = asked.filter((path) => !known.has(path) && !/^config\.[A-Z_]+$/.test(path));
    expect(unknown).toEqual([]);
  });

  test('take each value', () => {
    const scalar = [...known].filter(
      (path) => /^[a-z]\w*(\.[a-z]\w*)+$/.test(path) && !/resources|ecurityContext/.test(path),
    );
    const taken = scalar.filter((path) => new RegExp(`\\.${path.split('.').at(-1)}\\b`).test(all));
    // The whole of these goes into a manifest.
    const whole = /disruptionBudget\.|labels\.|matchLabels|existingConfigMap|topologySpread/;
    expect(scalar.filter((path) => !taken.includes(path) && !whole.test(path))).toEqual([]);
  });

  test('set variables that there are', () => {
    const set = Array.from(
      all.matchAll(/^\s*(?:- name: )?([A-Z][A-Z_]{3,})(?::|$)/gm),
      ([, name = '']) => name,
    );
    expect(set).toEqual(expect.arrayContaining(['ROLES', 'ROUTES_FILE', 'SOURCES_FILE']));
    const variables = documentedVariables.map(({ name }) => name);
    for (const name of [...set, ...notInConfig]) expect(variables).toContain(name);
  });

  test('know the ports, and the times that are the defaults', () => {
    expect(all).toContain(`{ name: http, containerPort: ${defaults.PORT} }`);
    expect(all).toContain(`{ name: ops, containerPort: ${defaults.OPS_PORT} }`);
    expect(all).toContain(`(default ${defaults.SHUTDOWN_TIMEOUT} .Values.config.SHUTDOWN_TIMEOUT)`);
    expect(all).toContain(`(default ${defaults.DRAIN_SECONDS} .Values.config.DRAIN_SECONDS)`);
    expect(all).toContain(`(default ${defaults.PARTITIONS} .Values.config.PARTITIONS)`);
  });
});
