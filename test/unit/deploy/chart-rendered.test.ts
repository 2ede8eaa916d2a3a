/**
 * The Helm chart as helm renders it: Kubernetes, the Prometheus operator and KEDA know every field, Carillon takes the
 * environment, and what points to something finds it. Skipped where there is no helm (`npm run test:deploy`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../../../src/config/config.ts';
import {
  CHART,
  environmentOf,
  helm,
  NAMESPACE,
  RELEASE,
  type Rendered,
  renderChart,
  tryChart,
  unknownInManifests,
  whyNoHelm,
} from '../../support/chart.ts';
import { fencedBlock } from '../../support/fenced-blocks.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

const defaults = readConfig({});
const SECRETS = {
  carillon: { AMQP_URL: 'amqp://u:p@rabbitmq', REDIS_URL: 'rediss://redis', JWT_SECRET: 's'.repeat(32) },
};

/** Everything that can be on at once, each value another one than the default. */
const everything = {
  image: {
    repository: 'registry.example.com/carillon',
    digest: `sha256:${'0'.repeat(64)}`,
    pullSecrets: [{ name: 'pull' }],
  },
  secrets: { AMQP_URL: { name: 'rabbitmq-user', key: 'connection_string' } },
  config: {
    PARTITIONS: 4,
    PENDING_MAX_BYTES: 1_048_576,
    LOG_SAMPLE_RATE: 0.05,
    CONSOLE: true,
    TRUST_PROXY: '10.0.0.0/8',
    DRAIN_SECONDS: null,
  },
  routes: { file: 'routes:\n  - type: order.*\n    audience: ["user:{data.customerId}"]\n' },
  sources: {
    file: 'sources:\n  - exchange: shop.events\n    keys: ["order.*"]\n    event: { audience: global }\n',
  },
  extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=768' }],
  extraEnvFrom: [{ configMapRef: { name: 'more-settings' } }],
  extraVolumes: [{ name: 'ca', secret: { secretName: 'ca' } }],
  extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
  serviceAccountName: 'carillon',
  gateway: {
    autoscaling: { enabled: false },
    keda: { enabled: true },
    extraEnv: [{ name: 'LOG_LEVEL', value: 'warn' }],
    podAnnotations: { 'example.com/team': 'bells' },
    podLabels: { team: 'bells' },
    nodeSelector: { pool: 'sockets' },
    tolerations: [{ key: 'sockets', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
  },
  consumer: { keda: { enabled: true }, disruptionBudget: { maxUnavailable: '50%' } },
  keda: { prometheusAddress: 'http://prometheus.monitoring:9090' },
  service: {
    type: 'LoadBalancer',
    sessionAffinity: 'ClientIP',
    externalTrafficPolicy: 'Local',
    annotations: { a: 'b' },
  },
  ingress: {
    enabled: true,
    className: 'nginx',
    controller: 'nginx',
    annotations: { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '120' },
    hosts: ['notify.example.com'],
    tls: [{ hosts: ['notify.example.com'], secretName: 'notify-tls' }],
  },
  networkPolicy: { egress: [{ to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] }] },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  dashboard: { enabled: true, annotations: { folder: 'bells' } },
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

const ofKind = ({ documents }: Rendered, kind: string) => documents.filter((one) => one.kind === kind);
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
