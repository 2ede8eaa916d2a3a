/**
 * The Helm chart as helm renders it: Kubernetes, the Prometheus operator and KEDA know every field, Carillon takes the
 * environment, and what points to something finds it. Skipped where there is no helm (`npm run test:deploy`).
 */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../../src/config/config.ts';
import {
  CHART,
  environmentOf,
  helm,
  ofKind,
  RELEASE,
  type Rendered,
  renderChart,
  unknownInManifests,
  whyNoHelm,
} from '../../support/chart.ts';
import { everything } from '../../support/chart-everything.ts';

const defaults = readConfig({});
const SECRETS = {
  carillon: { AMQP_URL: 'amqp://u:p@rabbitmq', REDIS_URL: 'rediss://redis', JWT_SECRET: 's'.repeat(32) },
};

const cases: readonly (readonly [string, object])[] = [
  ['the defaults', {}],
  ['everything', everything],
  [
    'the other choices',
    {
      fullnameOverride: 'c',
      secrets: { JWT_SECRET: null },
      config: { JWKS_URL: 'https://login.example.com/jwks.json' },
      routes: { existingConfigMap: 'our-routes' },
      sources: { existingConfigMap: 'our-sources' },
      gateway: { autoscaling: { connections: 14_000 }, preStopSeconds: 0 },
      ingress: { enabled: true, controller: 'haproxy', hosts: ['a.example.com', 'b.example.com'] },
      networkPolicy: { enabled: false },
      podMonitor: { enabled: true },
    },
  ],
  ['a fixed number of gateways', { gateway: { autoscaling: { enabled: false }, replicas: 5 } }],
];

const roleOf = ({ spec }: Rendered['deployments'][number]) =>
  spec.template.metadata.labels['app.kubernetes.io/component'];
const selects = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);
const selectorOf = z.object({
  spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
});

describe.skipIf(whyNoHelm !== undefined)(`the chart (${whyNoHelm ?? 'helm'})`, () => {
  test('helm finds nothing to say against it', () => {
    expect(helm(['lint', '--strict', CHART]).fault).toBeUndefined();
    expect(helm(['lint', '--strict', CHART], { values: everything }).fault).toBeUndefined();
  });

  describe.each(cases)('%s', (_name, values) => {
    const rendered = whyNoHelm === undefined ? renderChart(values) : undefined;
    const { text, documents, deployments } = rendered ?? { text: '', documents: [], deployments: [] };
    const secrets = { ...SECRETS, 'rabbitmq-user': { connection_string: 'amqp://u:p@rabbitmq' } };
    const configMaps = { 'more-settings': {}, ...rendered?.configMaps };

    test('every kind and every field is known', () => {
      expect(unknownInManifests(text)).toBe('');
    });

    test('there are no two things of one name, and each says whose it is', () => {
      const names = documents.map(({ kind, metadata: { name } }) => `${kind}/${name}`);
      expect(new Set(names).size).toBe(names.length);
      for (const { metadata } of documents)
        expect(metadata.labels).toHaveProperty('app.kubernetes.io/managed-by', 'Helm');
    });

    test('each pod has an environment that Carillon takes, and the time to stop', () => {
      expect(deployments.map(roleOf)).toEqual(expect.arrayContaining(['gateway', 'consumer']));
      for (const one of deployments) {
        const { containers, terminationGracePeriodSeconds } = one.spec.template.spec;
        const { ROLES, SHUTDOWN_TIMEOUT } = readConfig(environmentOf(containers[0], { configMaps }, secrets));
        expect(ROLES).toEqual([roleOf(one)]);
        const preStopSeconds = Number(containers[0].lifecycle?.preStop.exec.command[1] ?? 0);
        expect(terminationGracePeriodSeconds).toBeGreaterThan(preStopSeconds + SHUTDOWN_TIMEOUT);
      }
    });

    test('files are mounted as folders, so that changes arrive, and each volume is there', () => {
      for (const { spec } of deployments) {
        const { volumes, containers } = spec.template.spec;
        const [{ volumeMounts, env, envFrom, ...container }] = containers;
        const environment = environmentOf(
          { env, envFrom, volumeMounts, ...container },
          { configMaps },
          secrets,
        );
        for (const { name, subPath } of volumeMounts) {
          expect(volumes.map((volume) => volume.name)).toContain(name);
          expect(subPath).toBeUndefined();
        }
        for (const file of [environment.ROUTES_FILE, environment.SOURCES_FILE]) {
          if (file !== undefined)
            expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain(file.replace(/\/[^/]+$/, ''));
        }
      }
    });

    test('selectors find the pods that they are for', () => {
      const pods = deployments.map(({ spec }) => spec.template.metadata.labels);
      for (const { spec } of deployments)
        expect(pods.filter((labels) => selects(spec.selector.matchLabels, labels))).toHaveLength(1);
      for (const { template } of deployments.map(({ spec }) => spec))
        for (const { labelSelector } of template.spec.topologySpreadConstraints)
          expect(selects(labelSelector.matchLabels, template.metadata.labels)).toBe(true);
      const budgets = (rendered ? ofKind(rendered, 'PodDisruptionBudget') : []).map((one) =>
        selectorOf.parse(one),
      );
      for (const { spec } of budgets)
        expect(pods.filter((labels) => selects(spec.selector.matchLabels, labels))).toHaveLength(1);
      expect(budgets).toHaveLength(2);
    });
  });

  test('users reach gateways only, and operators everybody', () => {
    const rendered = renderChart();
    const service = z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({
        selector: z.record(z.string(), z.string()),
        ports: z.tuple([z.object({ name: z.string(), port: z.number(), targetPort: z.string() })]),
      }),
    });
    const found = ofKind(rendered, 'Service').map((one) => {
      const { metadata, spec } = service.parse(one);
      const pods = rendered.deployments.filter(({ spec: { template } }) =>
        selects(spec.selector, template.metadata.labels),
      );
      return [metadata.name, pods.map(roleOf).toSorted(), spec.ports[0]];
    });
    expect(found).toEqual([
      [`${RELEASE}-carillon`, ['gateway'], { name: 'http', port: defaults.PORT, targetPort: 'http' }],
      [
        `${RELEASE}-carillon-ops`,
        ['consumer', 'gateway'],
        { name: 'ops', port: defaults.OPS_PORT, targetPort: 'ops' },
      ],
    ]);
  });

  test('a ServiceMonitor finds the Service for operators alone, by a port that it has', () => {
    const rendered = renderChart({ serviceMonitor: { enabled: true } });
    const [monitor] = ofKind(rendered, 'ServiceMonitor').map((one) => selectorOf.parse(one));
    const services = ofKind(rendered, 'Service').filter(({ metadata }) =>
      selects(monitor?.spec.selector.matchLabels ?? {}, metadata.labels),
    );
    expect(services.map(({ metadata }) => metadata.name)).toEqual([`${RELEASE}-carillon-ops`]);
    expect(ofKind(rendered, 'ServiceMonitor')).toMatchObject([
      { spec: { endpoints: [{ port: 'ops', path: '/metrics', interval: '15s' }] } },
    ]);
  });
});
