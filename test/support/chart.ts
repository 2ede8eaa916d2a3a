/** Renders the Helm chart, and reads what comes out as Kubernetes and a kubelet would. */
import { spawnSync } from 'node:child_process';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { findDeployTool } from './deploy-tools.ts';

export const CHART = 'deploy/helm/carillon';
export const RELEASE = 'bell';
export const NAMESPACE = 'notify';

/** Why there is no helm here; undefined where there is one. */
export const whyNoHelm =
  findDeployTool('helm') && findDeployTool('manifest-check')
    ? undefined
    : 'no helm: `npm run test:deploy` brings it where there is Go';

const labels = z.record(z.string(), z.string());
const metadata = z.looseObject({ name: z.string(), labels: labels.default({}) });
const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number(),
  failureThreshold: z.number(),
});
const keyOf = z.object({ name: z.string(), key: z.string(), optional: z.boolean().default(false) });
const container = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  env: z.array(
    z.object({
      name: z.string(),
      value: z.string().optional(),
      valueFrom: z.object({ secretKeyRef: keyOf }).optional(),
    }),
  ),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: z.object({ preStop: z.object({ exec: z.object({ command: z.array(z.string()) }) }) }).optional(),
  securityContext: z.looseObject({}),
  volumeMounts: z.array(
    z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() }),
  ),
});
const deployment = z.object({
  kind: z.literal('Deployment'),
  metadata,
  spec: z.object({
    replicas: z.number().optional(),
    selector: z.object({ matchLabels: labels }),
    template: z.object({
      metadata: z.object({ labels, annotations: labels }),
      spec: z.looseObject({
        enableServiceLinks: z.literal(false),
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.looseObject({ runAsNonRoot: z.boolean() }),
        containers: z.tuple([container]),
        volumes: z.array(
          z.object({ name: z.string(), configMap: z.object({ name: z.string() }).optional() }),
        ),
        topologySpreadConstraints: z.array(
          z.looseObject({ labelSelector: z.object({ matchLabels: labels }) }),
        ),
      }),
    }),
  }),
});
const configMap = z.object({
  kind: z.literal('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()),
});

export type Deployment = z.infer<typeof deployment>;
export type Container = z.infer<typeof container>;

export interface Rendered {
  /** As helm wrote them. */
  readonly text: string;
  readonly documents: readonly {
    kind: string;
    metadata: z.infer<typeof metadata>;
    [field: string]: unknown;
  }[];
  readonly deployments: readonly Deployment[];
  readonly configMaps: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Runs helm, with values as a file and in a folder if there are such. Returns what it wrote, or why it refused. */
export function helm(
  args: readonly string[],
  { values, folder }: { readonly values?: object; readonly folder?: string } = {},
): { readonly text?: string; readonly fault?: string } {
  const { status, stdout, stderr } = spawnSync(
    findDeployTool('helm') ?? '',
    values === undefined ? args : [...args, '--values', '-'],
    {
      encoding: 'utf8',
      input: JSON.stringify(values ?? {}),
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      ...(folder === undefined ? {} : { cwd: folder }),
    },
  );
  return status === 0 ? { text: stdout } : { fault: `${stderr}${stdout}` };
}

/** Renders the chart, or returns why helm refuses the values. */
export function tryChart(values: object) {
  return helm(['template', RELEASE, CHART, '--namespace', NAMESPACE], { values });
}

/** @throws when helm refuses the values */
export function renderChart(values: object = {}): Rendered {
  const { text, fault } = tryChart(values);
  if (text === undefined) throw new Error(fault);
  const documents = parseAllDocuments(text).map((document) =>
    z.looseObject({ kind: z.string(), metadata }).parse(document.toJS()),
  );
  const deployments = documents.flatMap((one) => (one.kind === 'Deployment' ? [deployment.parse(one)] : []));
  const maps = documents.flatMap((one) => (one.kind === 'ConfigMap' ? [configMap.parse(one)] : []));
  return {
    text,
    documents,
    deployments,
    configMaps: Object.fromEntries(maps.map(({ metadata: { name }, data }) => [name, data])),
  };
}

/** What a type of Kubernetes, the Prometheus operator or KEDA does not know in the manifests; empty when nothing. */
export function unknownInManifests(text: string): string {
  const { status, stderr } = spawnSync(findDeployTool('manifest-check') ?? '', {
    input: text,
    encoding: 'utf8',
  });
  return status === 0 ? '' : stderr || 'the checker failed';
}

type Secrets = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The environment that a kubelet gives the container: ConfigMaps first, then its own variables. */
export function environmentOf(
  { env, envFrom }: Container,
  { configMaps }: Pick<Rendered, 'configMaps'>,
  secrets: Secrets,
): Readonly<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { configMapRef } of envFrom)
    Object.assign(environment, there(configMaps[configMapRef.name], configMapRef.name));
  for (const { name, value, valueFrom } of env) {
    if (valueFrom === undefined) {
      environment[name] = value ?? '';
      continue;
    }
    const { name: secret, key, optional } = valueFrom.secretKeyRef;
    const held = secrets[secret]?.[key];
    if (held !== undefined || !optional) environment[name] = there(held, `${secret}/${key}`);
  }
  return environment;
}

function there<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the pod waits for ever: there is no ${name}`);
  return value;
}

export function ofKind({ documents }: Rendered, kind: string): Rendered['documents'] {
  return documents.filter((one) => one.kind === kind);
}
