/** Files of sources: what is read, and that each fault is told with file, line and field. */
import { describe, expect, test } from 'vitest';
import { nameOf, sourceOf } from '../../../../src/pipeline/sources/source.ts';
import { parseSources, SourcesError } from '../../../../src/pipeline/sources/sources-file.ts';

function faultsOf(text: string): readonly string[] {
  try {
    parseSources(text, 'sources.yaml');
  } catch (error) {
    if (!(error instanceof SourcesError)) throw error;
    expect(error.code).toBe('invalid_sources');
    return error.faults;
  }
  return [];
}

test('the least and the most that a source says', () => {
  const sources = parseSources(
    `
sources:
  - exchange: shop.events
  - exchange: bills
    keys: ["bill.*", "payment.#", ""]
    envelope: json
    event:
      id: ["{properties.messageId}", "{body.id}", "{hash}"]
      source: /bills/{properties.appId}
      type: "bill.{body.kind}"
      time: "{body.at}"
      subject: ["{body.subject}", null]
      severity: warning
      collapsekey: "{body.id}"
      expirytime: "{headers.expires}"
      audience: ["user:{data.customer}", department:billing]
      data: { bill: "{body}", tags: ["a", "{routingKey}"], n: 1, on: true, none: null }
  - queue: legacy.notifications
    envelope: masstransit
`,
    'sources.yaml',
  );
  expect(sources.map((source) => [nameOf(source), source.envelope])).toEqual([
    ['exchange shop.events', undefined],
    ['exchange bills', 'json'],
    ['queue legacy.notifications', 'masstransit'],
  ]);
  const found = (exchange: string, key: string, queue?: string) => {
    const source = sourceOf(sources, queue === undefined ? { exchange } : { exchange, queue }, key);
    return source === undefined ? undefined : nameOf(source);
  };
  expect(found('shop.events', 'any.thing')).toBe('exchange shop.events');
  expect(found('bills', 'bill.made')).toBe('exchange bills');
  expect(found('bills', '')).toBe('exchange bills');
  expect(found('bills', 'order.made')).toBeUndefined();
  expect(found('shop.events', 'a', 'legacy.notifications')).toBe('queue legacy.notifications');
  expect(found('shop.events', 'a', 'other')).toBeUndefined();
});

test('of two sources of one exchange the first that fits counts', () => {
  const sources = parseSources('sources: [{exchange: a, keys: [x]}, {exchange: a, envelope: json}]', 'f');
  expect(sourceOf(sources, { exchange: 'a' }, 'x')?.envelope).toBeUndefined();
  expect(sourceOf(sources, { exchange: 'a' }, 'y')?.envelope).toBe('json');
});

describe('a fault is named with file, line and field:', () => {
  const source = 'sources:\n  - exchange: a\n';
  const event = (text: string) => `${source}    event:\n      ${text}\n`;

  test.each([
    ['an empty file', '', 'sources.yaml:1: must be a mapping with the key "sources"'],
    ['no YAML', 'sources: [', 'sources.yaml:1: '],
    ['no list', 'sources: 1', 'sources.yaml:1: sources must be a list of sources'],
    ['a source that is none', 'sources:\n  - a', 'sources.yaml:2: sources[0] must be a mapping'],
    [
      'neither',
      'sources:\n  - envelope: json',
      'sources.yaml:2: sources[0] must name an exchange or a queue, one of them',
    ],
    [
      'both',
      `${source}    queue: b\n`,
      'sources.yaml:2: sources[0] must name an exchange or a queue, one of them',
    ],
    [
      'an empty name',
      "sources:\n  - exchange: ''",
      'sources.yaml:2: sources[0].exchange must be the name of an exchange',
    ],
    [
      'a name that is too long',
      `sources:\n  - queue: ${'é'.repeat(128)}`,
      'sources.yaml:2: sources[0].queue must be at most 255 bytes',
    ],
    [
      'our own exchange',
      'sources:\n  - exchange: carillon.events',
      "sources.yaml:2: sources[0].exchange is Carillon's own",
    ],
    [
      'our own queue',
      'sources:\n  - queue: carillon.dead',
      "sources.yaml:2: sources[0].queue is Carillon's own",
    ],
    [
      'a key that is no pattern',
      `${source}    keys: [a, 'order*']\n`,
      'sources.yaml:3: sources[0].keys[1] is no key pattern',
    ],
    [
      'a key that is too long',
      `${source}    keys: [${'a'.repeat(256)}]\n`,
      'sources.yaml:3: sources[0].keys[0] must be at most',
    ],
    ['no keys', `${source}    keys: []\n`, 'sources.yaml:3: sources[0].keys must name at least one key'],
    [
      'keys of a queue',
      'sources:\n  - queue: b\n    keys: [a]\n',
      'sources.yaml:3: sources[0].keys are for an exchange',
    ],
    [
      'an unknown envelope',
      `${source}    envelope: xml\n`,
      'sources.yaml:3: sources[0].envelope must be one of cloudevents, json',
    ],
    ['an unknown key', `${source}    key: a\n`, 'sources.yaml:3: unknown key "key"'],
    ['an unknown attribute', event('ids: a'), 'sources.yaml:4: unknown key "ids"'],
    [
      'an unknown root',
      event("id: '{message.id}'"),
      'sources.yaml:4: sources[0].event.id {message.id} is not',
    ],
    ['a lone brace', event("id: ['a', '{body.id']"), 'sources.yaml:4: sources[0].event.id[1] has a single'],
    ['an id that is no text', event('id: 5'), 'sources.yaml:4: sources[0].event.id must be text'],
    [
      'no id at all',
      event('id: null'),
      'sources.yaml:4: sources[0].event.id must be text: an event without id is none',
    ],
    [
      'a source with spaces',
      event("source: 'my shop'"),
      'sources.yaml:4: sources[0].event.source source must be a URI reference',
    ],
    [
      'a type with spaces',
      event("type: 'order {body.kind}'"),
      'sources.yaml:4: sources[0].event.type type must be printable',
    ],
    ['a severity that is none', event('severity: high'), 'sources.yaml:4: sources[0].event.severity'],
    [
      'a time that is none',
      event("time: 'now'"),
      'sources.yaml:4: sources[0].event.time must be an RFC 3339',
    ],
    [
      'an audience that is none',
      event("audience: 'users:1'"),
      'sources.yaml:4: sources[0].event.audience "users:1" is not an audience',
    ],
    [
      'an empty list of audiences',
      event('audience: []'),
      'sources.yaml:4: sources[0].event.audience must be an audience, or a list',
    ],
    [
      'data that is text',
      event("data: 'a {body}'"),
      'sources.yaml:4: sources[0].event.data must be a mapping',
    ],
    [
      'data with a fault within',
      event("data: { a: { b: '{nothing}' } }"),
      'sources.yaml:4: sources[0].event.data.a.b {nothing} is not',
    ],
    [
      'a source that is never asked',
      `${source}  - exchange: a\n    keys: [x]\n`,
      'sources.yaml:3: sources[1] is never asked: sources[0] takes all of it',
    ],
    ['a queue twice', 'sources: [{queue: a}, {queue: a}]', 'sources.yaml:1: sources[1] is never asked'],
  ])('%s', (_, text, fault) => {
    expect(faultsOf(text)[0]).toContain(fault);
  });

  test('all of them at once', () => {
    expect(faultsOf(`${source}    keys: ['a*']\n    event: { id: '{x}', type: 'a b' }\n`)).toHaveLength(3);
  });
});
