/** Reading CloudEvents: what is accepted, every refusal with its path, and that no bytes make it throw. */
import { describe, expect, test } from 'vitest';
import { isExpired, readBinary, readEnvelope, readStructured } from '../../../src/contract/cloudevent.ts';
import fc from '../../support/fast-check.ts';
import { anyEvent } from '../pipeline/events.ts';

const minimal = { specversion: '1.0', id: '1', source: '/shop', type: 'order.shipped' };

const bytesOf = (text: string) => new TextEncoder().encode(text);
const structured = (envelope: unknown) => readStructured(bytesOf(JSON.stringify(envelope)));
const refused = (code: string, path?: string) => ({
  ok: false,
  refusal: { code, message: expect.any(String), ...(path === undefined ? {} : { path }) },
});

/** An event whose data is nested `levels` deep. */
function nested(levels: number): Uint8Array {
  const inner = levels - 1;
  return bytesOf(
    `${JSON.stringify(minimal).slice(0, -1)},"data":{"deep":${'['.repeat(inner)}${']'.repeat(inner)}}}`,
  );
}

describe('structured mode', () => {
  test('reads an event and keeps the envelope with attributes that are not known', () => {
    const envelope = { ...minimal, data: { title: 'Shipped' }, partitionkey: 'a', sequence: 3 };
    expect(structured(envelope)).toEqual({
      ok: true,
      value: { event: { ...minimal, data: { title: 'Shipped' } }, envelope },
    });
  });

  test.each([
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'not valid UTF-8'],
    ['a surrogate encoded as UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'not valid UTF-8'],
    ['a document that is cut off', bytesOf('{"id":'), 'not valid JSON'],
    ['nothing', new Uint8Array(), 'not valid JSON'],
    ['trailing text', bytesOf('{} {}'), 'not valid JSON'],
  ])('refuses %s as not_json', (_name, bytes, reason) => {
    expect(readStructured(bytes)).toEqual({
      ok: false,
      refusal: { code: 'not_json', message: expect.stringContaining(reason) },
    });
  });

  test('takes 64 levels of data and refuses 65', () => {
    expect(readStructured(nested(64)).ok).toBe(true);
    expect(readStructured(nested(65))).toEqual(refused('invalid_event'));
  });

  test.each([10_000, 100_000])('refuses %i levels without overflowing the stack', (levels) => {
    expect(readStructured(nested(levels))).toEqual(refused('invalid_event'));
    expect(readStructured(bytesOf('{"a":'.repeat(levels)))).toEqual(refused('not_json'));
  });

  test('does not count brackets inside strings', () => {
    const data = { text: '[{"\\'.repeat(1_000) };
    expect(structured({ ...minimal, data })).toMatchObject({ ok: true, value: { event: { data } } });
  });

  test.each(['[]', 'null', '"text"', '1', 'true'])('refuses %s: it is not an object', (json) => {
    expect(readStructured(bytesOf(json))).toEqual(refused('invalid_event'));
  });

  test.each<[string, unknown]>([
    ['specversion', '0.3'],
    ['specversion', undefined],
    ['id', undefined],
    ['id', ''],
    ['id', 7],
    ['id', 'x'.repeat(257)],
    ['source', undefined],
    ['source', 'with space'],
    ['source', 'x'.repeat(257)],
    ['type', undefined],
    ['type', 'größe'],
    ['type', 'two words'],
    ['type', 'x'.repeat(256)],
    ['time', 'yesterday'],
    ['time', '2026-01-01T00:00:00'],
    ['time', '2026-02-30T00:00:00Z'],
    ['expirytime', 1_700_000_000],
    ['subject', ''],
    ['datacontenttype', 'text/plain'],
    ['collapsekey', 'x'.repeat(129)],
    ['collapsekey', 'a\ud800'],
    ['severity', 'loud'],
    ['category', ''],
    ['category', 'two words'],
    ['category', 'é'],
    ['category', 'x'.repeat(65)],
    ['category', 7],
    ['traceparent', 'x'.repeat(257)],
    ['data', [1, 2]],
    ['data', 'text'],
    ['data', null],
  ])('refuses %s %j and names it', (attribute, value) => {
    expect(structured({ ...minimal, [attribute]: value })).toEqual(refused('invalid_event', attribute));
  });

  test('says which attribute is required', () => {
    expect(structured({ ...minimal, id: undefined })).toMatchObject({
      refusal: { message: 'id is required' },
    });
  });
});

describe('audience', () => {
  test.each([
    ['a string with commas', 'user:1, department:sales,global'],
    ['an array', ['user:1', 'department:sales', 'global']],
  ])('is %s', (_name, audience) => {
    expect(structured({ ...minimal, audience })).toMatchObject({
      ok: true,
      value: { event: { audience: ['user:1', 'department:sales', 'global'] } },
    });
  });

  test.each<[unknown, string]>([
    [['user:1', 'nobody'], 'audience[1]'],
    [['user:1', 5], 'audience[1]'],
    [['user:'], 'audience[0]'],
    [['user:{1}'], 'audience[0]'],
    [['user: a'], 'audience[0]'],
    [['user:a '], 'audience[0]'],
    [['user:a,b'], 'audience[0]'],
    [['user:a\u202eb'], 'audience[0]'],
    [['user:a\u200bb'], 'audience[0]'],
    [['user:a\u2028b'], 'audience[0]'],
    [['user:\ud800'], 'audience[0]'],
    [['user:\ufffd'], 'audience[0]'],
    [['topic:a*'], 'audience[0]'],
    [['user:1\n'], 'audience[0]'],
    [['topic:#'], 'audience[0]'],
    [[`user:${'x'.repeat(129)}`], 'audience[0]'],
    [['global:1'], 'audience[0]'],
    ['user:1, ', 'audience[1]'],
    ['', 'audience[0]'],
    [[], 'audience'],
    [{ user: 1 }, 'audience'],
    [null, 'audience'],
  ])('%j is refused as invalid_audience at %s', (audience, path) => {
    expect(structured({ ...minimal, audience })).toEqual(refused('invalid_audience', path));
  });
});

describe('prototype pollution', () => {
  test('a __proto__ key in data stays data', () => {
    const read = readStructured(
      bytesOf(
        `${JSON.stringify(minimal).slice(0, -1)},"data":{"__proto__":{"polluted":1},"constructor":{"a":1}}}`,
      ),
    );
    const data = read.ok ? read.value.event.data : undefined;
    expect(Object.keys(data ?? {})).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(JSON.stringify(data)).toBe('{"__proto__":{"polluted":1},"constructor":{"a":1}}');
    expect('polluted' in {}).toBe(false);
  });

  test('a __proto__ key beside the attributes does not supply any', () => {
    expect(readStructured(bytesOf(`{"__proto__":${JSON.stringify(minimal)}}`)).ok).toBe(false);
    expect(
      readBinary(JSON.parse(`{"__proto__":${JSON.stringify(minimal)}}`), undefined, bytesOf('')).ok,
    ).toBe(false);
  });
});

describe('binary mode', () => {
  test('takes the attributes from beside the body, and the body as data', () => {
    expect(readBinary(minimal, 'application/json', bytesOf('{"a":1}'))).toMatchObject({
      ok: true,
      value: { event: { ...minimal, datacontenttype: 'application/json', data: { a: 1 } } },
    });
  });

  test('takes an empty body for no data, and a missing content type for JSON', () => {
    expect(readBinary(minimal, undefined, bytesOf(''))).toEqual({
      ok: true,
      value: { event: minimal, envelope: minimal },
    });
  });

  test('takes 64 levels of data and refuses 65', () => {
    const body = (levels: number) => bytesOf(`${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`);
    expect(readBinary(minimal, undefined, body(64)).ok).toBe(true);
    expect(readBinary(minimal, undefined, body(65))).toEqual(refused('invalid_event'));
  });

  test.each<[string, string | undefined, Uint8Array, ReturnType<typeof refused>]>([
    ['a body that is not JSON', undefined, bytesOf('hello'), refused('not_json')],
    ['a body that is not UTF-8', undefined, Uint8Array.of(0xff), refused('not_json')],
    ['a deep body', undefined, bytesOf('['.repeat(10_000) + ']'.repeat(10_000)), refused('invalid_event')],
    ['a body that is no object', 'application/json', bytesOf('[1]'), refused('invalid_event', 'data')],
    ['a content type that is none', 'text', bytesOf('{}'), refused('invalid_event', 'datacontenttype')],
  ])('refuses %s', (_name, contentType, body, refusal) => {
    expect(readBinary(minimal, contentType, body)).toEqual(refusal);
  });
});

test.each([
  ['application/json', true],
  ['application/json; charset=utf-8', true],
  ['APPLICATION/JSON', true],
  ['application/vnd.shop.order+json', true],
  ['application/jsonlines', false],
  ['application/xml', false],
])('datacontenttype %s is accepted: %s', (datacontenttype, accepted) => {
  expect(structured({ ...minimal, datacontenttype }).ok).toBe(accepted);
});

test('an event is expired from its expirytime on, in whatever zone that is written', () => {
  const expirytime = '2026-01-01T01:00:00+01:00';
  const at = Date.UTC(2026, 0, 1);
  const read = readEnvelope({ ...minimal, expirytime });
  expect(read.ok && [at - 1, at].map((nowMs) => isExpired(read.value.event, nowMs))).toEqual([false, true]);
  const endless = readEnvelope(minimal);
  expect(endless.ok && isExpired(endless.value.event, Number.MAX_SAFE_INTEGER)).toBe(false);
});

describe('for arbitrary input', () => {
  test('reading never throws on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readStructured(bytes).ok).toBe(false);
        expect(readBinary({}, undefined, bytes).ok).toBe(false);
      }),
    );
  });

  test('reading never throws on JSON, and what it refuses has a code and a message', () => {
    const nearly = fc.record(
      {
        specversion: fc.constantFrom<unknown>('1.0', 1),
        id: fc.jsonValue(),
        source: fc.jsonValue(),
        type: fc.jsonValue(),
        time: fc.jsonValue(),
        audience: fc.jsonValue(),
        data: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearly), (value) => {
        const read = structured(value);
        if (!read.ok) expect(read.refusal).toMatchObject(refused(read.refusal.code).refusal);
      }),
    );
  });

  test('a valid event survives JSON and reading, and its times are times', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(structured(event)).toEqual({ ok: true, value: { event, envelope: event } });
        expect(Number.isNaN(Date.parse(event.expirytime ?? '2026-01-01T00:00:00Z'))).toBe(false);
      }),
    );
  });
});
