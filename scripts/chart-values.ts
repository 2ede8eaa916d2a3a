/** What the Helm chart's values may be: the source of deploy/helm/carillon/values.schema.json. */
import { z } from 'zod';
import { documentedVariables } from '../src/config/config.ts';

/** These are the chart's own to set, or come from Secrets: in `config` they would be passed over, or be readable. */
export const notInConfig: readonly string[] = [
  'ROLES',
  'PORT',
  'OPS_PORT',
  'HOST',
  'OPS_HOST',
  'AMQP_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'ROUTES_FILE',
  'SOURCES_FILE',
];

const configVariable = z.enum(
  documentedVariables.map(({ name }) => name).filter((name) => !notInConfig.includes(name)),
);

const count = z.int().nonnegative();
const atLeastOne = z.int().positive();
const texts = z.record(z.string(), z.string());
/** As Kubernetes writes it, and checks it. */
const kubernetesList = z.array(z.looseObject({}));
const kubernetesObject = z.looseObject({});
const duration = z.string().regex(/^\d+(ms|s|m)$/);

const secretKey = z.strictObject({
  key: z.string().min(1),
  name: z.string().optional(),
  optional: z.boolean().optional(),
});

const file = z.strictObject({ file: z.string(), existingConfigMap: z.string() });

const part = {
  resources: kubernetesObject,
  disruptionBudget: z.strictObject({
    maxUnavailable: z.union([count, z.string()]).optional(),
    minAvailable: z.union([count, z.string()]).optional(),
  }),
  extraEnv: kubernetesList,
  podAnnotations: texts,
  podLabels: texts,
  nodeSelector: texts,
  tolerations: kubernetesList,
  affinity: kubernetesObject,
  priorityClassName: z.string(),
};

const scaling = {
  enabled: z.boolean(),
  minReplicas: atLeastOne,
  maxReplicas: atLeastOne,
  cpuUtilization: atLeastOne,
};

const monitor = z.strictObject({ enabled: z.boolean(), labels: texts, interval: duration });

export const chartValues = z.strictObject({
  nameOverride: z.string(),
  fullnameOverride: z.string(),
  image: z.strictObject({
    repository: z.string().min(1),
    tag: z.string(),
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    pullSecrets: z.array(z.strictObject({ name: z.string() })),
  }),
  existingSecret: z.string().min(1),
  // Helm takes out what is `null`.
  secrets: z.strictObject({
    AMQP_URL: secretKey.optional(),
    REDIS_URL: secretKey.optional(),
    JWT_SECRET: secretKey.optional(),
  }),
  config: z.partialRecord(configVariable, z.union([z.string(), z.number(), z.boolean(), z.null()])),
  routes: file,
  sources: file,
  extraEnv: kubernetesList,
  extraEnvFrom: kubernetesList,
  extraVolumes: kubernetesList,
  extraVolumeMounts: kubernetesList,
  podSecurityContext: kubernetesObject,
  securityContext: kubernetesObject,
  serviceAccountName: z.string(),
  topologySpread: kubernetesList,
  gateway: z.strictObject({
    ...part,
    replicas: count,
    preStopSeconds: count,
    autoscaling: z.strictObject({ ...scaling, connections: count }),
    keda: z.strictObject({ ...scaling, connections: atLeastOne }),
  }),
  consumer: z.strictObject({
    ...part,
    replicas: count,
    keda: z.strictObject({
      enabled: z.boolean(),
      minReplicas: atLeastOne,
      cpuUtilization: atLeastOne,
      backlog: atLeastOne,
    }),
  }),
  keda: z.strictObject({ prometheusAddress: z.string() }),
  service: z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port: atLeastOne,
    annotations: texts,
    sessionAffinity: z.enum(['None', 'ClientIP']),
    externalTrafficPolicy: z.enum(['', 'Cluster', 'Local']),
  }),
  ingress: z.strictObject({
    enabled: z.boolean(),
    className: z.string(),
    controller: z.enum(['', 'nginx', 'haproxy']),
    annotations: texts,
    hosts: z.array(z.string().min(1)),
    tls: kubernetesList,
  }),
  networkPolicy: z.strictObject({ enabled: z.boolean(), opsFrom: kubernetesList, egress: kubernetesList }),
  serviceMonitor: monitor,
  podMonitor: monitor,
  prometheusRule: z.strictObject({
    enabled: z.boolean(),
    labels: texts,
    runbooksUrl: z.string(),
    disabled: z.array(z.string()),
  }),
  dashboard: z.strictObject({ enabled: z.boolean(), labels: texts, annotations: texts }),
  // Helm's own, where this chart is part of another.
  global: kubernetesObject.optional(),
});
