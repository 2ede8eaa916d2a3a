/**
 * What an operator chooses in the Helm chart's values, and what it becomes: settings, routes, alerts, dashboard, scaling, the way
 * in, and what is refused. Skipped where there is no helm (`npm run test:deploy`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  CHART,
  helm,
  NAMESPACE,
  ofKind,
  RELEASE,
  renderChart,
  tryChart,
  unknownInManifests,
  whyNoHelm,
} from '../../support/chart.ts';
import { everything } from '../../support/chart-everything.ts';
import { fencedBlock } from '../../support/fenced-blocks.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

describe.skipIf(whyNoHelm !== undefined)(`the chart (${whyNoHelm ?? 'helm'})`, () => {
  test('numbers are written as they were given', () => {
    const { configMaps } = renderChart(everything);
    expect(configMaps[`${RELEASE}-carillon-settings`]).toMatchObject({
      PENDING_MAX_BYTES: '1048576',
      LOG_SAMPLE_RATE: '0.05',
      CONSOLE: 'true',
    });
    expect(configMaps[`${RELEASE}-carillon-settings`]).not.toHaveProperty('DRAIN_SECONDS');
  });

  test('other routes and sources roll no pod; another setting does', () => {
    const pods = (values: object) => renderChart(values).deployments.map(({ spec }) => spec.template);
    const routes = { file: 'routes:\n  - type: a\n    audience: [global]\n' };
    const sources = (exchange: string) => ({
      file: `sources:\n  - exchange: ${exchange}\n    event: { audience: global }\n`,
    });
    expect(pods({ routes, sources: sources('a') })).toEqual(pods({ sources: sources('b') }));
    expect(renderChart({ routes }).configMaps[`${RELEASE}-carillon-routes`]).toEqual({
      'routes.yaml': routes.file,
    });
    const changed = pods({ config: { LOG_LEVEL: 'warn' } });
    for (const [at, pod] of pods({}).entries()) expect(changed[at]).not.toEqual(pod);
  });

  test('the alerts are those of ops/, with a link where the runbooks are, and without those that are not wanted', () => {
    const { groups } = z
      .object({ groups: z.array(z.looseObject({ rules: z.array(z.looseObject({ alert: z.string() })) })) })
      .parse(parse(readFileSync('ops/prometheus/alerts.yml', 'utf8')));
    const rulesWith = (values: object) =>
      ofKind(renderChart({ prometheusRule: { enabled: true, ...values } }), 'PrometheusRule')[0]?.spec;
    expect(rulesWith({})).toEqual({ groups });
    const rules = groups.flatMap((group) => group.rules);
    expect(
      rulesWith({ runbooksUrl: 'https://docs.example.com/runbooks', disabled: [rules[1]?.alert] }),
    ).toMatchObject({
      groups: [
        {
          rules: rules.toSpliced(1, 1).map(({ alert }) => ({
            alert,
            annotations: { runbook_url: `https://docs.example.com/runbooks#${alert.toLowerCase()}` },
          })),
        },
      ],
    });
  });

  test('the dashboard is that of ops/', () => {
    const { configMaps } = renderChart({ dashboard: { enabled: true } });
    const shown: unknown = JSON.parse(configMaps[`${RELEASE}-carillon-dashboard`]?.['carillon.json'] ?? '');
    expect(shown).toEqual(JSON.parse(readFileSync('ops/grafana/dashboards/carillon.json', 'utf8')));
  });

  test('KEDA asks for the pods of this release', () => {
    const scaled = ofKind(renderChart(everything), 'ScaledObject');
    expect(scaled.map(({ metadata }) => metadata.name)).toEqual([
      `${RELEASE}-carillon-gateway`,
      `${RELEASE}-carillon-consumer`,
    ]);
    const queries = JSON.stringify(scaled);
    expect(queries).toContain(`namespace=\\"${NAMESPACE}\\", pod=~\\"${RELEASE}-carillon-gateway-.*\\"`);
    expect(scaled[1]?.spec).toMatchObject({ minReplicaCount: 2, maxReplicaCount: 4 });
  });

  test('annotations for a controller, of which one is overridden', () => {
    expect(ofKind(renderChart(everything), 'Ingress')).toMatchObject([
      {
        metadata: {
          annotations: {
            'nginx.ingress.kubernetes.io/proxy-read-timeout': '120',
            'nginx.ingress.kubernetes.io/proxy-send-timeout': '90',
          },
        },
        spec: { rules: [{ http: { paths: [{ path: '/socket.io/' }, { path: '/v1/' }] } }] },
      },
    ]);
  });

  test('the installation in docs/kubernetes.md is one', () => {
    const values = fencedBlock('docs/kubernetes.md', 'yaml', 'serviceMonitor:');
    const folder = dirname(temporaryFile('values.yaml', values));
    writeFileSync(join(folder, 'routes.yaml'), 'routes: [{ type: a, audience: [global] }]\n');
    const [upgrade = ''] = fencedBlock('docs/kubernetes.md', 'sh', 'helm upgrade').split('\n');
    const words = upgrade.split(' ').map((word) => (word === CHART ? resolve(CHART) : word));
    expect(words.slice(0, 3)).toEqual(['helm', 'upgrade', '--install']);
    const { text, fault } = helm(['template', ...words.slice(3)], { folder });
    expect(fault).toBeUndefined();
    expect(unknownInManifests(text ?? '')).toBe('');
    for (const part of [
      'kind: Ingress',
      'kind: PrometheusRule',
      'registry.example.com/carillon:',
      '{ type: a,',
    ])
      expect(text).toContain(part);
  });

  test.each<[string, object, RegExp]>([
    [
      'two scrapes of everything',
      { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } },
      /counted twice/,
    ],
    [
      'two autoscalers',
      { gateway: { keda: { enabled: true } }, keda: { prometheusAddress: 'http://p' } },
      /gateway.autoscaling and gateway.keda/,
    ],
    [
      'KEDA without Prometheus',
      { gateway: { autoscaling: { enabled: false }, keda: { enabled: true } } },
      /keda.prometheusAddress/,
    ],
    [
      'more consumers of one queue',
      { consumer: { keda: { enabled: true } }, keda: { prometheusAddress: 'http://p' } },
      /config.PARTITIONS/,
    ],
    ['more time to drain than to stop', { config: { DRAIN_SECONDS: 40 } }, /config.DRAIN_SECONDS is 40/],
    ['an ingress for nobody', { ingress: { enabled: true } }, /ingress.hosts/],
    ['two sorts of routes', { routes: { file: 'routes: [{}]', existingConfigMap: 'r' } }, /which one counts/],
    ['a variable that nobody knows', { config: { ALOWED_ORIGINS: 'x' } }, /ALOWED_ORIGINS/],
  ])('%s is refused, with the reason', (_name, values, reason) => {
    expect(tryChart(values).fault).toMatch(reason);
  });
});
