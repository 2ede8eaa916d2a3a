/**
 * Hostile events: whatever bytes and headers come, reading them ends with an event or with a refusal that has a
 * stable code, and what was read as an event can be mapped, written and read again.
 */
import { isUtf8 } from 'node:buffer';
import { afterEach, expect, test } from 'vitest';
import { isAudience } from '../../../src/contract/audience.ts';
import {
  isExpired,
  type ReadEvent,
  readBinary,
  readEnvelope,
  readStructured,
} from '../../../src/contract/cloudevent.ts';
import { encodeEvent, NOTIFICATION_MIDDLE } from '../../../src/contract/notification.ts';
import { type Read, refusalCodeSchema } from '../../../src/contract/refusal.ts';
import { readMessage } from '../../../src/pipeline/ingest/message.ts';
import { audiencesOf } from '../../../src/pipeline/routing/route.ts';
import { parseRoutes } from '../../../src/pipeline/routing/routes-file.ts';
import fc from '../../support/fast-check.ts';
import { countInputs, hostileJson, hostileValue, nested, spoilt, weighted } from '../../support/hostile.ts';

const tried = countInputs();
const MAX_BYTES = 65_536;

const routes = parseRoutes(
  `routes:
  - {type: "order.#", audience: ["user:{data.customerId}", "department:{data.team.name}"]}
  - {type: "a.*", audience: ["topic:{subject}", "user:{data.id}-{data.id}"]}
`,
  'routes.yaml',
);

/** What each attribute may be when it is right. Several attributes are right at once often enough to be accepted. */
const right: Readonly<Record<string, readonly string[]>> = {
  specversion: ['"1.0"'],
  id: ['"1"', '"Ωmega"'],
  source: ['"/shop"', '"urn:x:y"'],
  type: ['"order.shipped"', '"a.b"', '"carillon.retract"', '"#"', `"${'*.'.repeat(127)}"`],
  time: ['"2026-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999999999+23:59"', '"0000-01-01T00:00:00-23:59"'],
  expirytime: ['"2026-01-01T00:00:00Z"', '"2016-12-31T23:59Z"', '"0000-02-29T00:00:00+14:00"'],
  subject: ['"s"', '"\\ud800"'],
  datacontenttype: ['"application/json"', '"application/a+json;;;charset"'],
  audience: [
    '"user:1, global"',
    '["topic:a.b"]',
    `["${Array.from({ length: 12 }, (_, i) => `user:${i}`).join('","')}"]`,
  ],
  collapsekey: ['"k"', '"Ω"'],
  severity: ['"critical"'],
  traceparent: ['"00-1-1-00"'],
  data: ['{"id":"1","customerId":7,"team":{"name":["a","b"]}}', '{"id":[1,2,3]}', '{}'],
};

const names = Object.keys(right);
const REQUIRED = new Set(['specversion', 'id', 'source', 'type']);

const anyPair = (name: string): fc.Arbitrary<readonly [string, string] | undefined> =>
  weighted<readonly [string, string] | undefined>(
    [
      REQUIRED.has(name) ? 60 : 4,
      fc.constantFrom(...(right[name] ?? [])).map((json) => [name, json] as const),
    ],
    [2, hostileJson.map((json) => [name, json] as const)],
    [REQUIRED.has(name) ? 1 : 8, fc.constant(undefined)],
  );

const anyPairs = fc
  .tuple(
    fc.tuple(...names.map(anyPair)),
    fc.array(
      fc.tuple(
        fc.oneof(fc.constantFrom('__proto__', 'constructor', 'ID', 'Data', 'data_base64', ''), fc.string()),
        hostileJson,
      ),
      { maxLength: 2 },
    ),
  )
  .map(([known, others]) => [...known.filter((pair) => pair !== undefined), ...others]);

/** In the order given, the same name twice if it was given twice. */
const objectText = (pairs: readonly (readonly [string, string])[]) =>
  `{${pairs.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

const anyEventText = anyPairs.map(objectText);

const outcomes = new Set<string>();

afterEach(() => {
  expect('polluted' in {}).toBe(false);
});

/** What holds of each result, and of all that is done with an event. */
function check(result: Read<ReadEvent>): void {
  tried();
  if (!result.ok) {
    const { code, message, path } = result.refusal;
    outcomes.add(code);
    expect(refusalCodeSchema.options).toContain(code);
    // It becomes an AMQP header and a line in the log.
    expect(`${message}${path ?? ''}`.length).toBeLessThan(1_000);
    return;
  }
  outcomes.add('event');
  const { event, envelope } = result.value;
  for (const text of [event.id, event.source, event.collapsekey ?? ''])
    expect(text.isWellFormed()).toBe(true);
  expect(event.audience?.every(isAudience)).not.toBe(false);
  expect(Number.isNaN(Date.parse(event.expirytime ?? '2026-01-01T00:00:00Z'))).toBe(false);
  expect(typeof isExpired(event, Date.now())).toBe('boolean');

  // Over HTTP it is written once more, for RabbitMQ: the consumer has to read the same event.
  const again = readStructured(Buffer.from(JSON.stringify(envelope)));
  expect(again).toMatchObject({ ok: true, value: { event: { id: event.id, source: event.source } } });
  expect(again.ok && again.value.event.audience).toEqual(event.audience);

  const { head, tail } = encodeEvent(event, new Date(0))('user:42');
  const notification: unknown = JSON.parse(`${head}e1${NOTIFICATION_MIDDLE}17${tail}`);
  expect(notification).toMatchObject({ id: event.id, audience: 'user:42', epoch: 'e1', offset: 17 });

  const mapped = audiencesOf(event, routes, 10);
  outcomes.add(mapped.ok ? 'mapped' : mapped.refusal.code);
  expect(
    mapped.ok ? mapped.value.every(({ audience }) => isAudience(audience)) : refusalCodeSchema.options,
  ).toBeTruthy();
}

test('structured mode: right and wrong attributes in every mixture', () => {
  fc.assert(
    fc.property(anyEventText, (text) => check(readStructured(Buffer.from(text)))),
    { numRuns: 3_000 },
  );
});

test('structured mode: bytes that were spoilt', () => {
  fc.assert(
    fc.property(spoilt(anyEventText), (bytes) => {
      const read = readStructured(bytes);
      check(read);
      // Never mended: two different ids must not become one.
      if (!isUtf8(bytes)) expect(read).toMatchObject({ ok: false, refusal: { code: 'not_json' } });
    }),
    { numRuns: 2_000 },
  );
});

test('JSON of any kind, and values that are no JSON, where an event is expected', () => {
  fc.assert(
    fc.property(hostileJson, fc.anything(), (json, value) => {
      check(readStructured(Buffer.from(json)));
      const read = readEnvelope(value);
      tried();
      expect(read.ok || refusalCodeSchema.options.includes(read.refusal.code)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test.for([64, 65, 1_000, 50_000])('%i levels of nesting, wherever they are', (levels) => {
  for (const name of [...names, 'other', '__proto__']) {
    for (const json of [nested(levels), nested(levels, '{"a":', '}')]) {
      const pairs = Object.entries(right).map(([one, [json = 'null']]) => [one, json] as const);
      check(readStructured(Buffer.from(objectText([...pairs, [name, json]]))));
      check(
        readBinary({ specversion: '1.0', id: '1', source: '/s', type: 't' }, undefined, Buffer.from(json)),
      );
    }
  }
});

const anyContentType = fc.oneof(
  fc.constantFrom(undefined, '', ';', 'application/json', 'text/plain', 'application/cloudevents+json;;'),
  fc.string({ maxLength: 255, unit: 'binary' }),
);

test('binary mode: attributes that are text, as over HTTP', () => {
  const anyText = weighted<string>(
    [6, fc.constantFrom('1.0', '1', '/s', 'a.b', 'global', 'user:1,', ',', '2026-01-01T00:00:00Z', 'info')],
    [1, fc.string({ unit: 'binary' })],
    [1, hostileValue.map(String)],
  );
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...names, '__proto__', 'toString'), anyText),
      anyContentType,
      weighted<Uint8Array>([3, hostileJson.map((json) => Buffer.from(json))], [1, spoilt(anyEventText)]),
      (attributes, contentType, body) => {
        const basis = { specversion: '1.0', id: '1', source: '/s', type: 'a.b' };
        check(readBinary(attributes, contentType, body));
        check(readBinary({ ...basis, ...attributes }, contentType, body));
      },
    ),
    { numRuns: 1_500 },
  );
});

/** As deep as a table of AMQP may be: the client library has no bound. */
function deepTable(levels: number): unknown {
  let table: unknown = 1;
  for (let level = 0; level < levels; level += 1) table = level % 2 === 0 ? { a: table } : [table];
  return table;
}

test('AMQP: headers of every type, both prefixes, bodies and sizes', () => {
  const anyHeader = weighted<unknown>(
    [8, fc.constantFrom('1.0', '1', '/s', 'a.b', 'global', ['user:1'], 'info', 'application/json')],
    [2, hostileValue],
    [
      2,
      fc.constantFrom<unknown>(
        { '!': 'timestamp', value: 1e300 },
        { '!': 'timestamp', value: Number.NaN },
        { '!': 'timestamp' },
        { '!': 'decimal', value: { places: 255, digits: -1 } },
        { '!': ['timestamp'], value: 1 },
        Buffer.from([0xff, 0x00]),
        2n ** 63n,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        undefined,
        deepTable(5_000),
      ),
    ],
    [1, fc.anything()],
  );
  const anyName = fc
    .tuple(
      fc.constantFrom('cloudEvents:', 'cloudEvents_', 'cloudevents:', 'cloudEvents', ''),
      fc.oneof(fc.constantFrom(...names, '__proto__', 'constructor'), fc.string({ maxLength: 20 })),
    )
    .map((parts) => parts.join(''));
  const basis = {
    'cloudEvents:specversion': '1.0',
    'cloudEvents:id': '1',
    'cloudEvents:source': '/s',
    'cloudEvents:type': 'order.x',
  };
  fc.assert(
    fc.property(
      fc.dictionary(anyName, anyHeader, { maxKeys: 6 }),
      fc.constantFrom('none', 'some', 'all'),
      anyContentType,
      weighted<Buffer>([3, anyEventText.map((text) => Buffer.from(text))], [1, spoilt(hostileJson)]),
      (others, which, contentType, body) => {
        const headers = which === 'none' ? undefined : { ...(which === 'all' ? basis : {}), ...others };
        const read = readMessage(body, { contentType, headers }, MAX_BYTES);
        // Headers hold what JSON does not, so an event of theirs need not survive being written as JSON.
        if (read.ok && which !== 'none') {
          tried();
          expect(encodeEvent(read.value.event, new Date(0))('global').head).toContain('"audience":"global"');
        } else {
          check(read);
        }
        check(
          readMessage(
            Buffer.concat([body, Buffer.alloc(MAX_BYTES, ' ')]),
            { contentType, headers },
            MAX_BYTES,
          ),
        );
      },
    ),
    { numRuns: 1_500 },
  );
});

test('the inputs reached every end that there is', () => {
  expect([...outcomes]).toEqual(
    expect.arrayContaining([
      ...['event', 'mapped', 'not_json', 'invalid_event', 'invalid_audience', 'no_audience'],
      ...['too_many_audiences', 'too_large', 'unsupported_media_type'],
    ]),
  );
});
