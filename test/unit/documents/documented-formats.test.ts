/** Events, notifications, routes and answers in the documents have the forms that the program reads and writes. */
import { expect, test } from 'vitest';
import { auditSchema } from '../../../src/contract/audit.ts';
import { readStructured } from '../../../src/contract/cloudevent.ts';
import { healthSchema } from '../../../src/contract/health.ts';
import { memberText } from '../../../src/contract/json-text.ts';
import { notificationSchema } from '../../../src/contract/notification.ts';
import { queuesSchema } from '../../../src/contract/queues.ts';
import { createPresenter } from '../../../src/pipeline/routing/presentation.ts';
import { audiencesOf } from '../../../src/pipeline/routing/route.ts';
import { parseRoutes } from '../../../src/pipeline/routing/routes-file.ts';
import { fencedBlock } from '../../support/fenced-blocks.ts';

test.for(['README.md', 'README.zh.md'])('%s: an event', (file) => {
  const read = readStructured(Buffer.from(fencedBlock(file, 'json', 'specversion')));
  expect(read).toMatchObject({ ok: true, value: { event: { audience: ['user:42'] } } });
});

test.for([
  ['README.md', '"offset": 17'],
  ['docs/events.md', 'data_base64'],
] as const)('%s: a notification', ([file, text]) => {
  // Bytes that are cut are no base64.
  const json = fencedBlock(file, 'json', text).replace('iVBORw0KGgo…', 'iVBORw0KGgo=');
  expect(notificationSchema.safeParse(JSON.parse(json)).error).toBeUndefined();
});

test('docs/configuration.md: routes', () => {
  expect(
    parseRoutes(fencedBlock('docs/configuration.md', 'yaml', 'routes:'), 'configuration.md'),
  ).toHaveLength(2);
});

test('docs/display.md: the notification is what the route makes of its event', () => {
  const json = fencedBlock('docs/display.md', 'json', '"display"');
  const { display, severity, category, ...rest } = notificationSchema.parse(JSON.parse(json));
  const { id, source, type, time } = rest;
  const data = memberText(json, 'data');
  const event = `${JSON.stringify({ specversion: '1.0', id, source, type, time }).slice(0, -1)},"data":${data}}`;
  const read = readStructured(Buffer.from(event));
  if (!read.ok) throw new Error(read.refusal.message);
  const routes = parseRoutes(fencedBlock('docs/display.md', 'yaml', 'routes:'), 'display.md');
  expect(audiencesOf(read.value.event, routes, 1)).toMatchObject({ value: [{ audience: rest.audience }] });
  const shown = createPresenter(routes)?.(read.value.event);
  expect(shown).toMatchObject({ severity, category, omitted: undefined });
  expect(JSON.parse(shown?.displayJson ?? '')).toEqual(display);
});

test('docs/observability.md: what health answers', () => {
  const answer: unknown = JSON.parse(fencedBlock('docs/observability.md', 'json', 'not_ready'));
  expect(healthSchema.safeParse(answer).error).toBeUndefined();
});

test('docs/admin-api.md: the record of a call', () => {
  const record: unknown = JSON.parse(fencedBlock('docs/admin-api.md', 'json', '"actor"'));
  expect(auditSchema.strict().safeParse(record).error).toBeUndefined();
});

test('docs/admin-api.md: what is told of a queue', () => {
  const queue: unknown = JSON.parse(fencedBlock('docs/admin-api.md', 'json', '"lag"'));
  const schema = queuesSchema.shape.queues.element.strict();
  expect(schema.safeParse(queue).error).toBeUndefined();
});
