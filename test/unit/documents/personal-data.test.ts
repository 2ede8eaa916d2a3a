/** What docs/personal-data.md says is kept of a person is what the inventory says, which erasure and export go by. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXCHANGES, QUEUES } from '../../../src/adapters/rabbitmq/topology.ts';
import * as keys from '../../../src/adapters/redis/keys.ts';
import { personalDataSchema } from '../../../src/contract/personal-data.ts';
import { INVENTORY, ITEMS, type KeptItem } from '../../../src/operate/personal-data/inventory.ts';

const page = readFileSync('docs/personal-data.md', 'utf8');

function placesOf({ keys: named, hashes, many, shared = [], queues = [] }: KeptItem): readonly string[] {
  const own = [
    ...(named?.('42') ?? []),
    ...(hashes?.('42') ?? []),
    ...(many === undefined ? [] : [`${many('42')}*`]),
  ];
  return [...own, ...shared, ...queues];
}

const rowOf = (...cells: readonly string[]) => `| ${cells.join(' | ')} |`;

test('the page has two rows for each part, and no other', () => {
  const table = page.slice(page.indexOf('## What is kept'), page.indexOf('## Erasing'));
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const where = (item: KeptItem) =>
    placesOf(item)
      .map((place) => `\`${place.replace('carillon:{user:42}:', '…:')}\``)
      .join(', ');
  expect(rows).toEqual([
    ...ITEMS.map(([name, item]) => rowOf(`\`${name}\``, where(item), item.what, item.kept)),
    ...ITEMS.map(([name, { exported, erased }]) => rowOf(`\`${name}\``, exported, erased)),
  ]);
});

test('every part that is exported is one of the document', () => {
  const exported = ITEMS.flatMap(([name, item]) => (item.exported.startsWith('no:') ? [] : [name]));
  const { user: _, exportedAt: _a, areDeadLettersPartial: _p, ...parts } = personalDataSchema.shape;
  expect(exported.toSorted()).toEqual(Object.keys(parts).toSorted());
});

/** Of no person: what they hold are processes, and counts of rooms that are not a user's. */
const OF_NOBODY = [keys.NODES_KEY, keys.roomsKeyOf('n')];

test('every key that the code can name, and every queue, is in the inventory', () => {
  const place = { epoch: 'e', offset: 1 };
  const made: Record<
    Exclude<keyof typeof keys, 'ADMIN_COMMANDS_CHANNEL' | 'activityChannelOf'>,
    readonly string[]
  > = {
    logKeyOf: [keys.logKeyOf('user:42', 'log')],
    logKeysOf: keys.logKeysOf('user:42'),
    marksKeyOf: [keys.marksKeyOf('42')],
    onceKeyOf: [keys.onceKeyOf('user:42', '/s 1')],
    fetchedKeyOf: [keys.fetchedKeyOf('user:42')],
    unreachedKeyOf: [keys.unreachedKeyOf('user:42', place)],
    sessionsKeyOf: [keys.sessionsKeyOf('42')],
    devicesKeyOf: [keys.devicesKeyOf('42')],
    departmentsKeyOf: [keys.departmentsKeyOf('42')],
    admittedKeyOf: [keys.admittedKeyOf('42')],
    publishedKeyOf: [keys.publishedKeyOf('42')],
    erasureKeyOf: [keys.erasureKeyOf('42')],
    manyKeysOf: [keys.manyKeysOf('42', 'once'), keys.manyKeysOf('42', 'unreached')],
    NODES_KEY: [keys.NODES_KEY],
    roomsKeyOf: [keys.roomsKeyOf('n')],
    outcomeKeyOf: [keys.outcomeKeyOf('1')],
    ADMIN_COMMANDS_KEY: [keys.ADMIN_COMMANDS_KEY],
  };
  const channels = ['ADMIN_COMMANDS_CHANNEL', 'activityChannelOf'];
  expect([...Object.keys(made), ...channels].toSorted()).toEqual(Object.keys(keys).toSorted());
  const known = ITEMS.flatMap(([, item]) => placesOf(item));
  const isKnown = (name: string) =>
    known.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name)) ||
    known.some((one) => one.includes('*') && name.startsWith(one.slice(0, one.indexOf('*'))));
  const names = [
    ...Object.values(made).flat(),
    ...Object.keys(QUEUES),
    'carillon.deliver',
    'carillon.deliver.3',
  ];
  expect(names.filter((name) => !isKnown(name) && !OF_NOBODY.includes(name))).toEqual([]);
  expect(Object.keys(EXCHANGES)).toContain('carillon.events');
  expect(INVENTORY.inbox.keys('42')).toEqual(keys.logKeysOf('user:42'));
});
