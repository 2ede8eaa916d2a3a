/** Events, notifications, routes and answers in the documents have the forms that the program reads and writes. */
import { expect, test } from 'vitest';
import { readStructured } from '../../../src/contract/cloudevent.ts';
import { healthSchema } from '../../../src/contract/health.ts';
import { notificationSchema } from '../../../src/contract/notification.ts';
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

test('docs/observability.md: what health answers', () => {
  const answer: unknown = JSON.parse(fencedBlock('docs/observability.md', 'json', 'not_ready'));
  expect(healthSchema.safeParse(answer).error).toBeUndefined();
});
