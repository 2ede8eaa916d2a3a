/** The doctor on sources, and the start with a file that has faults. */
import { connect } from 'amqplib';
import { expect, onTestFinished, test } from 'vitest';
import { JWT_SECRET, spawnCarillon } from '../../support/carillon.ts';
import { doctor } from '../../support/doctor.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

test('the doctor says what RabbitMQ does not have, and what is wrong with the file', async () => {
  const [amqpUrl, redisUrl] = await Promise.all([freshVhost(), freshRedis()]);
  const model = await connect(amqpUrl);
  onTestFinished(() => model.close());
  await (await model.createChannel()).assertQueue('there');
  const env = { AMQP_URL: amqpUrl, REDIS_URL: redisUrl, JWT_SECRET };
  const found = async (sources: string) =>
    doctor({ ...env, SOURCES_FILE: temporaryFile('sources.yaml', sources) });
  const all = await found('sources: [{ queue: there }, { exchange: amq.topic }]');
  expect(all.of('sources')).toMatchObject({ verdict: 'ok' });
  expect(all.of('configuration')?.found).toContain('2 sources in SOURCES_FILE');
  const missing = await found('sources: [{ queue: nowhere }, { exchange: nowhere }, { queue: there }]');
  expect(missing.of('sources')).toMatchObject({
    verdict: 'advice',
    found: 'queue nowhere: it does not exist; exchange nowhere: it does not exist',
  });
  await (await model.createChannel()).assertQueue('stream', { arguments: { 'x-queue-type': 'stream' } });
  const stream = await found('sources: [{ queue: stream }, { queue: nowhere }]');
  expect(stream.of('sources')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringMatching(/^queue stream: it is a stream, .*; queue nowhere: it does not exist$/),
  });
  const wrong = await found('sources:\n  - queue: there\n    keys: [a]\n');
  expect(wrong.of('configuration')).toMatchObject({
    verdict: 'wrong',
    found: expect.stringContaining('sources.yaml:3: sources[0].keys are for an exchange'),
    change: expect.stringContaining('correct SOURCES_FILE'),
  });
  // As the process itself does.
  const carillon = await spawnCarillon({ ...env, SOURCES_FILE: temporaryFile('sources.yaml', 'sources: 1') });
  expect(await carillon.exited).toBe(1);
  expect(carillon.output.join('\n')).toMatch(
    /carillon does not start: .*\n.*sources\.yaml:1: sources must be/,
  );
});
