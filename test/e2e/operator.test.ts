/**
 * The operator's way, from the rendered manifests alone: pods run with the command, environment, files and probes that the
 * Helm chart gives them, on a RabbitMQ and a Redis whose addresses are in the Secret. They become ready, deliver by the routes
 * in the ConfigMap, are scraped as the ServiceMonitor says, and end in order. Skipped where there is no helm.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { JWT_SECRET, tokenFor } from '../support/carillon.ts';
import { type Rendered, renderChart, whyNoHelm } from '../support/chart.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { imageCommand, Pod } from '../support/pod.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { parseExposition } from '../support/scrape.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 20_000;

const values = {
  // Short, so that nobody waits for them here; but this machine may be busy while clients connect.
  config: { DRAIN_SECONDS: 1, SHUTDOWN_TIMEOUT: 15, HANDSHAKE_SECONDS: 15 },
  routes: { file: 'routes:\n  - type: order.*\n    audience: ["user:{data.customerId}"]\n' },
  gateway: { autoscaling: { enabled: false }, replicas: 2, preStopSeconds: 1 },
  consumer: { replicas: 1 },
  serviceMonitor: { enabled: true },
};

describe.skipIf(whyNoHelm !== undefined)(`from the manifests alone (${whyNoHelm ?? 'helm'})`, () => {
  let rendered: Rendered;
  let amqpUrl: string;
  let secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  let gateways: readonly Pod[] = [];
  let consumers: readonly Pod[] = [];
  const deleted = new Set<Pod>();
  const remove = (pod: Pod) => {
    deleted.add(pod);
    return pod.delete();
  };

  const podsOf = async (role: string) => {
    const deployment = rendered.deployments.find(({ metadata }) => metadata.name.endsWith(`-${role}`));
    if (deployment === undefined) throw new Error(`there is no ${role}`);
    const { replicas = 1 } = deployment.spec;
    return await Promise.all(
      Array.from({ length: replicas }, () => Pod.start(deployment, rendered, secrets)),
    );
  };

  beforeAll(async () => {
    rendered = renderChart(values);
    amqpUrl = await freshVhost();
    secrets = { carillon: { AMQP_URL: amqpUrl, REDIS_URL: await freshRedis(), JWT_SECRET } };
  });
  afterAll(async () => {
    await Promise.all(
      [...gateways, ...consumers].filter((pod) => !deleted.has(pod)).map((pod) => pod.delete()),
    );
  });

  test('gateways that come up first live, and have not started', async () => {
    gateways = await podsOf('gateway');
    expect(gateways).toHaveLength(2);
    for (const pod of gateways) {
      await until('a gateway to answer', TIMEOUT_MS, async () => (await pod.probe('livenessProbe')) === 200);
      expect(await pod.probe('startupProbe')).toBe(503);
      expect(await pod.probe('readinessProbe')).toBe(503);
    }
  });

  test('with a consumer all pods start and are ready, and none writes that its limits do not fit', async () => {
    consumers = await podsOf('consumer');
    for (const pod of [...gateways, ...consumers]) {
      await pod.ready();
      expect(await pod.probe('livenessProbe')).toBe(200);
      expect(pod.output.join('')).not.toContain('limits_do_not_fit');
    }
  });

  test("the image's health check and the chart's own test agree", async () => {
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('there is no gateway');
    await gateway.exec(imageCommand('CMD'));
    const pod = z
      .object({ spec: z.object({ containers: z.tuple([z.object({ command: z.array(z.string()) })]) }) })
      .parse(rendered.documents.find(({ kind }) => kind === 'Pod'));
    const asked = pod.spec.containers[0].command.map((word) =>
      word.replace(/^http:\/\/[^/]+/, gateway.url('http')),
    );
    expect(asked).not.toEqual(pod.spec.containers[0].command);
    await gateway.exec(asked);
    await expect(gateway.exec(asked.with(-1, `${gateway.url('http')}/nowhere`))).rejects.toThrow();
  });

  test('an event reaches its user on every gateway, by the routes in the ConfigMap', async () => {
    const producer = new Producer(amqpUrl);
    const clients: TestClient[] = [];
    for (const pod of gateways) {
      const client = connectClient(pod.url('http'), await tokenFor('ada'));
      clients.push(client);
      await client.session();
    }
    await producer.publish(madeEvent('1', { type: 'order.shipped', data: { customerId: 'ada' } }));
    for (const client of clients) {
      const [notification] = await client.received(1);
      expect(notification).toMatchObject({ id: '1', audience: 'user:ada', offset: 1 });
      client.close();
    }
    await producer.close();
  });

  test('each pod is scraped as the ServiceMonitor says, and tells its role', async () => {
    const monitor = z
      .object({ spec: z.object({ endpoints: z.tuple([z.object({ port: z.string(), path: z.string() })]) }) })
      .parse(rendered.documents.find(({ kind }) => kind === 'ServiceMonitor'));
    const [{ port, path }] = monitor.spec.endpoints;
    for (const [role, pods] of [
      ['gateway', gateways],
      ['consumer', consumers],
    ] as const) {
      for (const pod of pods) {
        const samples = parseExposition(await (await fetch(pod.url(port) + path)).text());
        const info = samples.find(({ name }) => name === 'carillon_node_info');
        expect(info?.labels.roles).toBe(role);
      }
    }
  });

  test('a gateway that is deleted ends in order, and its clients go on at the other', async () => {
    const [first, second] = gateways;
    if (first === undefined || second === undefined) throw new Error('there are no two gateways');
    const client = connectClient(first.url('http'), await tokenFor('bob'));
    await client.session();
    expect(await remove(first)).toBe(0);
    expect(client.goaways).toMatchObject([{ code: 'shutting_down' }]);
    const next = connectClient(second.url('http'), await tokenFor('bob'));
    await next.session();
    next.close();
    expect(await remove(second)).toBe(0);
    for (const pod of consumers) expect(await remove(pod)).toBe(0);
  });
});
