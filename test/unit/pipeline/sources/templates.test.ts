/** What templates of a source give: alternatives, audiences, data; and what they refuse, with the field. */
import { describe, expect, test } from 'vitest';
import { jsonTextOf } from '../../../../src/contract/written.ts';
import { becomes, readerOf, sent } from './messages.ts';

const refused = (path: string, code = 'invalid_event') => expect.objectContaining({ code, path });

describe('attributes', () => {
  test('the first alternative that finds all that it needs counts, and null leaves an attribute out', () => {
    const source = `event: { id: ["{properties.messageId}", "{body.a}-{body.b}", "{body.a}"], subject: ["{body.s}", null] }`;
    expect(becomes({ body: { a: 1, b: 2, s: 'x' }, properties: { messageId: 'm' } }, source)).toMatchObject({
      id: 'm',
      subject: 'x',
    });
    expect(becomes({ body: { a: 1, b: 2 } }, source)).toMatchObject({ id: '1-2' });
    expect(becomes({ body: { a: 1 } }, source)).toMatchObject({ id: '1' });
    expect(becomes({ body: { a: 1 } }, source)).not.toHaveProperty('subject');
    expect(becomes({ body: {} }, source)).toEqual({
      code: 'invalid_event',
      message: "the source's template for id needs properties.messageId or body.a or body.a",
      path: 'id',
    });
  });

  test.each([
    ['a value that is not there', 'subject: "{body.x}"', {}, 'subject'],
    ['an empty value', 'id: "{body.x}"', { x: '' }, 'id'],
    ['an object', 'id: "{body.x}"', { x: {} }, 'id'],
    ['an id that is too long', 'id: "{body.x}"', { x: 'i'.repeat(257) }, 'id'],
    ['half a character', 'id: "{body.x}"', { x: 'a\ud800' }, 'id'],
    ['half a character in a source', 'source: "/{body.x}"', { x: 'a\ud800' }, 'source'],
    ['a source that is too long', 'source: "/{body.x}"', { x: '名'.repeat(100) }, 'source'],
    ['a type with spaces', 'type: "{body.x}"', { x: 'a b' }, 'type'],
    ['a severity that is none', 'severity: "{body.x}"', { x: 'high' }, 'severity'],
    ['a time that is none', 'time: "{body.x}"', { x: 'yesterday' }, 'time'],
    ['a prototype', 'id: "{body.__proto__.x}"', {}, 'id'],
    ['what objects inherit', 'id: "{body.constructor.name}"', {}, 'id'],
    ['a length', 'id: "{body.x.length}"', { x: 'abc' }, 'id'],
  ])('%s is refused, with the field', (_, template, body, path) => {
    expect(becomes({ body }, `event: { ${template} }`)).toEqual(refused(path));
  });

  test('an id of 200 characters, and numbers as they were written', () => {
    expect(becomes({ body: { x: 'i'.repeat(200) } }, 'event: { id: "{body.x}" }')).toMatchObject({
      id: 'i'.repeat(200),
    });
    expect(becomes({ body: '{"x":12857044736508887020}' }, 'event: { id: "{body.x}" }')).toMatchObject({
      id: '12857044736508887020',
    });
  });

  test('what is filled into a source is percent-encoded', () => {
    expect(becomes({ body: { x: 'a b/名' } }, 'event: { source: "/s/{body.x}" }')).toMatchObject({
      source: '/s/a%20b/%E5%90%8D',
    });
  });

  test.each([
    ['seconds', 1_795_770_000, '2026-11-27T09:00:00.000Z'],
    ['milliseconds', 1_795_770_000_123, '2026-11-27T09:00:00.123Z'],
    ['text', '2026-11-27T10:00:00+01:00', '2026-11-27T10:00:00+01:00'],
  ])('a time in %s', (_, at, time) => {
    expect(becomes({ body: { at } }, 'event: { time: "{body.at}" }')).toMatchObject({ time });
  });
});

describe('audiences', () => {
  const audience = (template: string, body: unknown) => becomes({ body }, `event: { audience: ${template} }`);

  test('lists fan out, and all templates count', () => {
    expect(audience('["user:{data.ids}", "department:{routingKey}"]', { ids: ['a', 7] })).toMatchObject({
      audience: ['user:a', 'user:7', 'department:order.shipped'],
    });
  });

  test.each([
    ['a comma', 'a,user:b', 'invalid_audience'],
    ['a brace', 'a}', 'invalid_audience'],
    ['nothing', '', 'invalid_audience'],
    ['200 characters', 'i'.repeat(200), 'invalid_audience'],
    ['half a character', 'a\ud800', 'invalid_audience'],
    ['null', null, 'invalid_event'],
    ['an object', {}, 'invalid_event'],
    ['an empty list', [], 'no_audience'],
    ['a list of too many', Array.from({ length: 1_001 }, (_, i) => i), 'too_many_audiences'],
    ['a number that is none', 1.5, 'invalid_event'],
  ])('%s is refused', (_, id, code) => {
    expect(audience('"user:{data.id}"', { id })).toEqual(refused('audience', code));
  });

  test('two lists that multiply', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => i);
    expect(audience('"user:{data.ids}{data.ids}{data.ids}"', { ids })).toEqual(
      refused('audience', 'too_many_audiences'),
    );
  });
});

describe('data', () => {
  test('a mapping: values as they were written, texts filled in, constants as they are', () => {
    const yaml = `sources:
  - exchange: shop.events
    event:
      data: { n: "{body.n}", text: "n is {body.n}", "a\\"b": [1, "{body.list}", { x: null }], all: "{body}", key: "{{{routingKey}}}" }
`;
    const read = readerOf(yaml).read(sent({ body: '{"n":1.50,"list":[12857044736508887020, 2]}' }));
    expect(read.ok && jsonTextOf(read.value.event.data ?? {})).toBe(
      '{"n":1.50,"text":"n is 1.50","a\\"b":[1,[12857044736508887020,2],{"x":null}],"all":{"n":1.50,"list":[12857044736508887020,2]},"key":"{order.shipped}"}',
    );
  });

  test('a part of the body', () => {
    expect(becomes({ body: { payload: { a: 1 } } }, 'event: { data: "{body.payload}" }')).toMatchObject({
      data: { a: 1 },
    });
    expect(becomes({ body: { payload: 1 } }, 'event: { data: "{body.payload}" }')).toEqual(refused('data'));
    expect(becomes({ body: {} }, 'event: { data: "{body.payload}" }')).toEqual(refused('data'));
  });

  test('what is missing is refused with its place', () => {
    expect(becomes({ body: {} }, 'event: { data: { a: { b: ["x", "{body.x}"] } } }')).toEqual(
      refused('data.a.b[1]'),
    );
    expect(becomes({ body: {} }, 'event: { data: { a: "n {body.x}" } }')).toEqual(refused('data.a'));
  });

  test('what would grow without bound is refused', () => {
    const body = { x: 'x'.repeat(100_000) };
    expect(
      becomes(
        { body },
        'event: { data: ["{body}"] }'.replace('["{body}"]', '{ a: "{body}", b: "{body}", c: "{body}" }'),
      ),
    ).toEqual(refused('data', 'too_large'));
    expect(becomes({ body }, 'event: { data: { a: "{body.x}{body.x}{body.x}" } }')).toEqual(
      refused('data', 'too_large'),
    );
  });

  test('a __proto__ in body or file is data and nothing else', () => {
    const event = becomes({ body: '{"__proto__":{"a":1}}' }, 'event: { data: { "__proto__": "{body}" } }');
    expect(JSON.stringify(event)).toContain('"__proto__":{"__proto__":{"a":1}}');
    expect('a' in {}).toBe(false);
  });
});
