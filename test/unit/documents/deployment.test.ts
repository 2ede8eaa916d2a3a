/** What deploy/ and docker-compose.yml say of ports, variables, users and times is what the program has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { documentedVariables, readConfig } from '../../../src/config/config.ts';
import { parseRoutes } from '../../../src/pipeline/routing/routes-file.ts';

const KUBERNETES = 'deploy/kubernetes';
const OVERLAY = `${KUBERNETES}/overlays/example`;
/** The user "node" of the image that the Dockerfile builds on. */
const NODE_UID = 1000;
/** Engine.IO's pingInterval and pingTimeout: for so long a connection may be silent. */
const SILENCE_SECONDS = 25 + 20;

const filesIn = (folder: string, name: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path))
    .map((path) => join(folder, path));
const read = (path: string) => readFileSync(path, 'utf8');
const defaults = readConfig({});
const known = new Set(documentedVariables.map(({ name }) => name));

const probeSchema = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number(),
  failureThreshold: z.number(),
});
const containerSchema = z.object({
  image: z.literal('carillon'),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: probeSchema,
  readinessProbe: probeSchema,
  livenessProbe: probeSchema,
  lifecycle: z
    .object({ preStop: z.object({ exec: z.object({ command: z.tuple([z.literal('sleep'), z.string()]) }) }) })
    .optional(),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
});
const deploymentSchema = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        enableServiceLinks: z.literal(false),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({
          runAsNonRoot: z.literal(true),
          runAsUser: z.number(),
          seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
        }),
        containers: z.tuple([containerSchema]),
      }),
    }),
  }),
});
const serviceSchema = z.object({
  kind: z.literal('Service'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    ports: z.array(z.object({ name: z.string(), port: z.number(), targetPort: z.string() })),
  }),
});
const kustomizationSchema = z.object({
  resources: z.array(z.string()),
  configMapGenerator: z.array(
    z.object({
      name: z.string(),
      literals: z.array(z.string()).optional(),
      files: z.array(z.string()).optional(),
    }),
  ),
  patches: z.array(z.object({ path: z.string() })).optional(),
});

const documents = filesIn(KUBERNETES, /\.yaml$/).flatMap((path) =>
  parseAllDocuments(read(path)).map((document): unknown => document.toJS()),
);
const ofKind = <T>(schema: z.ZodType<T>) =>
  documents.flatMap((document) => {
    const { success, data } = schema.safeParse(document);
    return success ? [data] : [];
  });
const kustomizationIn = (folder: string) =>
  kustomizationSchema.parse(parse(read(`${folder}/kustomization.yaml`)));

const pairsOf = (lines: readonly string[]) =>
  Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
const settingsOf = (folder: string): Record<string, string> =>
  pairsOf(
    kustomizationIn(folder).configMapGenerator.find(({ name }) => name === 'carillon-settings')?.literals ??
      [],
  );

const base = settingsOf(`${KUBERNETES}/base`);
const example = { ...base, ...settingsOf(OVERLAY) };
const deployments = ofKind(deploymentSchema).map(({ metadata, spec: { template } }) => {
  const [container] = template.spec.containers;
  return { name: metadata.name, pod: template.spec, container };
});

describe('Kubernetes', () => {
  test('there are the deployments and services that the tests below look at', () => {
    expect(deployments.map(({ name }) => name).sort()).toEqual(['carillon-consumer', 'carillon-gateway']);
    expect(ofKind(serviceSchema).map(({ metadata }) => metadata.name)).toEqual(['carillon', 'carillon-ops']);
  });

  test('every file that a kustomization names is there', () => {
    for (const folder of [`${KUBERNETES}/base`, OVERLAY]) {
      const { resources, configMapGenerator, patches = [] } = kustomizationIn(folder);
      const files = configMapGenerator.flatMap(({ files: named = [] }) => named);
      for (const name of [...resources, ...files, ...patches.map(({ path }) => path)]) {
        expect(existsSync(join(folder, name)), name).toBe(true);
      }
    }
  });

  test.for(deployments)('$name: Carillon takes the variables', ({ container }) => {
    const named = container.env.map(({ name }) => name);
    for (const name of [...named, ...Object.keys(example)]) expect(known).toContain(name);
    const own = Object.fromEntries(
      container.env.flatMap(({ name, value }) => (value ? [[name, value]] : [])),
    );
    const backends = { AMQP_URL: 'amqps://u:p@h', REDIS_URL: 'rediss://h' };
    expect(readConfig({ ...base, ...own, ...backends, JWT_SECRET: 's'.repeat(32) }).ROLES).toHaveLength(1);
    expect(readConfig({ ...example, ...own, ...backends }).ROLES).toHaveLength(1);
  });

  test.for(deployments)('$name: ports and probes', ({ container }) => {
    const ports = { http: defaults.PORT, ops: defaults.OPS_PORT };
    for (const { name, containerPort } of container.ports) expect(ports).toHaveProperty(name, containerPort);
    const paths = Object.keys(
      z.object({ paths: z.object({}).loose() }).parse(parse(read('openapi.yaml'))).paths,
    );
    const { startupProbe, readinessProbe, livenessProbe } = container;
    for (const [probe, path] of [
      [startupProbe, '/health/startup'],
      [readinessProbe, '/health/ready'],
      [livenessProbe, '/health/live'],
    ] as const) {
      expect(probe.httpGet).toEqual({ path, port: 'ops' });
      expect(paths).toContain(path);
      expect(probe.timeoutSeconds).toBeLessThanOrEqual(probe.periodSeconds);
    }
  });

  test('OPS_PORT is no port of the service for users', () => {
    const ports = ofKind(serviceSchema).map(({ spec }) => spec.ports);
    expect(ports).toEqual([
      [{ name: 'http', port: defaults.PORT, targetPort: 'http' }],
      [{ name: 'ops', port: defaults.OPS_PORT, targetPort: 'ops' }],
    ]);
  });

  test.for(deployments)('$name: time to stop, and the user of the image', ({ pod, container }) => {
    const { SHUTDOWN_TIMEOUT, DRAIN_SECONDS } = readConfig({ ...base });
    const preStopSeconds = Number(container.lifecycle?.preStop.exec.command[1] ?? 0);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(preStopSeconds + SHUTDOWN_TIMEOUT);
    expect(DRAIN_SECONDS).toBeLessThanOrEqual(SHUTDOWN_TIMEOUT / 2);
    expect(read('Dockerfile').split('FROM ').at(-1)).toMatch(/^node:.*\nUSER node\n/s);
    expect(pod.securityContext.runAsUser).toBe(NODE_UID);
  });

  test.for(filesIn(KUBERNETES, /routes\.yaml$/))('%s', (path) => {
    expect(parseRoutes(read(path), path)).toBeDefined();
  });
});

describe.for(filesIn('deploy/systemd', /\.service$/))('%s', (path) => {
  const unit = read(path);
  const settings = pairsOf(unit.split('\n').filter((line) => /^\w+=/.test(line)));

  test('Carillon takes the variables and has the time to stop', () => {
    const variables = pairsOf(settings.Environment?.split(' ') ?? []);
    const { NODE_ENV, ...own } = variables;
    expect(NODE_ENV).toBe('production');
    for (const name of Object.keys(own)) expect(known).toContain(name);
    for (const [, name = ''] of unit.matchAll(/^#\s+([A-Z_]+)=/gm)) expect(known).toContain(name);
    expect(Number(settings.TimeoutStopSec)).toBeGreaterThan(defaults.SHUTDOWN_TIMEOUT);
    const isGateway = own.ROLES === 'gateway';
    expect(Number(settings.LimitNOFILE)).toBeGreaterThan(isGateway ? defaults.CONNECTIONS_PER_NODE : 0);
  });
});

test.for([
  ['package.json', 'node --v8-pool-size=0 dist/main.js"'],
  ['Dockerfile', 'ENTRYPOINT ["node", "--v8-pool-size=0", "dist/main.js"]'],
  ['deploy/systemd/carillon-gateway@.service', '/node --v8-pool-size=0 dist/main.js'],
  ['deploy/systemd/carillon-consumer.service', '/node --v8-pool-size=0 dist/main.js'],
  ['bench/studies/neighbours/gateway.ts', "'--v8-pool-size=0'"],
])('%s: no more helpers for garbage than cores', ([path = '', start = '']) => {
  expect(read(path)).toContain(start);
});

test('docker-compose.yml: Carillon takes the variables and has the time to stop', () => {
  const serviceOfCompose = z.object({
    image: z.literal('carillon'),
    environment: z.record(z.string(), z.string()),
    stop_grace_period: z.templateLiteral([z.number(), 's']),
  });
  const compose = z
    .object({ services: z.record(z.string(), z.unknown()) })
    .parse(parse(read('docker-compose.yml'), { merge: true }));
  const ours = Object.values(compose.services).flatMap((service) => {
    const { success, data } = serviceOfCompose.safeParse(service);
    return success ? [data] : [];
  });
  expect(ours.length).toBeGreaterThanOrEqual(3);
  for (const { environment, stop_grace_period } of ours) {
    for (const name of Object.keys(environment)) expect(known).toContain(name);
    expect(Number.parseInt(stop_grace_period, 10)).toBeGreaterThan(defaults.SHUTDOWN_TIMEOUT);
  }
});

describe.for(['deploy/nginx.conf', 'deploy/haproxy.cfg'])('%s', (path) => {
  const text = read(path);

  test('asks the gateways at the ports that they have', () => {
    const ports = [...text.matchAll(/gateway-\d:(\d+)/g)].map(([, port]) => Number(port));
    expect(new Set(ports)).toEqual(new Set([defaults.PORT]));
    for (const [, port] of text.matchAll(/check port (\d+)/g)) expect(Number(port)).toBe(defaults.OPS_PORT);
  });

  test('lets a connection be silent for as long as a ping and its answer may take', () => {
    const timeouts = [
      ...text.matchAll(
        /^\s*(?:proxy_read_timeout|proxy_send_timeout|timeout (?:client|server|tunnel)) +(\d+)s/gm,
      ),
    ];
    expect(timeouts.length).toBeGreaterThanOrEqual(2);
    for (const [, seconds] of timeouts) expect(Number(seconds)).toBeGreaterThan(SILENCE_SECONDS);
  });
});

test('the documents that deploy/ points to are there', () => {
  for (const path of filesIn('deploy', /\.(yaml|service|cfg|conf)$/)) {
    for (const [named] of read(path).matchAll(
      /\b(?:docs|deploy|base|overlays)\/[\w./@-]+\.(?:md|yaml|conf|cfg)/g,
    )) {
      const places = [named, join(KUBERNETES, named), join(dirname(path), named)];
      expect(places.some(existsSync), `${path}: ${named}`).toBe(true);
    }
  }
});

test('what the image holds fits every processor but for Node: its build runs on one, for all', () => {
  const { packages } = z
    .object({ packages: z.record(z.string(), z.looseObject({ dev: z.boolean().default(false) })) })
    .parse(JSON.parse(read('package-lock.json')));
  const tied = Object.entries(packages).filter(
    ([, { dev, ...facts }]) =>
      !dev && ['cpu', 'os', 'libc', 'hasInstallScript'].some((fact) => fact in facts),
  );
  expect(tied.map(([path]) => path)).toEqual([]);
  const stages = read('Dockerfile').match(/^FROM .*$/gm) ?? [];
  expect(stages.filter((stage) => stage.startsWith('FROM --platform=$BUILDPLATFORM node:'))).toHaveLength(1);
  expect(stages.at(-1)).toMatch(/^FROM node:/);
});

test('the image runs without root and writes nothing; the compose file takes every right away', () => {
  const lines = read('Dockerfile').split('\n');
  const [user, ...others] = lines.filter((line) => /^USER /.test(line));
  expect([user, others]).toEqual(['USER node', []]);
  // Nothing is changed or given to that user afterwards.
  const after = lines.slice(lines.indexOf('USER node') + 1);
  expect(after.filter((line) => /^(RUN|COPY|ADD|VOLUME) /.test(line))).toEqual([]);
  expect(read('Dockerfile')).not.toMatch(/--chown|chmod|chown/);
  const hardened = z.object({
    image: z.literal('carillon'),
    read_only: z.literal(true),
    cap_drop: z.tuple([z.literal('ALL')]),
    security_opt: z.array(z.string()).refine((all) => all.includes('no-new-privileges:true')),
  });
  const { services } = z
    .object({ services: z.record(z.string(), z.looseObject({ image: z.string().optional() })) })
    .parse(parse(read('docker-compose.yml'), { merge: true }));
  const ours = Object.values(services).filter(({ image }) => image === 'carillon');
  expect(ours.length).toBeGreaterThanOrEqual(3);
  for (const service of ours) expect(hardened.safeParse(service).error).toBeUndefined();
});
