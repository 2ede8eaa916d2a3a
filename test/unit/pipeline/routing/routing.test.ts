/** Routing: type patterns, templates filled in from events, and the audiences that come of both. */
import { describe, expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { readStructured } from '../../../../src/contract/cloudevent.ts';
import { type Event, eventSchema } from '../../../../src/contract/event.ts';
import { compilePattern } from '../../../../src/pipeline/routing/pattern.ts';
import { audiencesOf, type Route } from '../../../../src/pipeline/routing/route.ts';
import { compileTemplate, fillTemplate, templateFault } from '../../../../src/pipeline/routing/template.ts';
import fc from '../../../support/fast-check.ts';

/** The definition of AMQP topic matching, word for word; exponential, so for short inputs only. */
function matchesSlowly([word, ...words]: readonly string[], type: readonly string[]): boolean {
  if (word === undefined) return type.length === 0;
  if (word === '#')
    return matchesSlowly(words, type) || (type.length > 0 && matchesSlowly([word, ...words], type.slice(1)));
  return type.length > 0 && (word === '*' || word === type[0]) && matchesSlowly(words, type.slice(1));
}

const words = (...alphabet: string[]) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 6 });

describe('a pattern', () => {
  test('matches as the slow definition does', () => {
    fc.assert(
      fc.property(words('a', 'b', '*', '#'), words('a', 'b', 'c', '*', '#'), (pattern, type) => {
        expect(compilePattern(pattern.join('.'))(type.join('.'))).toBe(matchesSlowly(pattern, type));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['order.*', 'order.shipped', true],
    ['order.*', 'order', false],
    ['order.*', 'order.item.added', false],
    ['audit.#', 'audit', true],
    ['audit.#', 'audit.a.b', true],
    ['#', 'anything.at.all', true],
    ['#.failed', 'failed', true],
    ['*.#.*', 'one', false],
    ['order', 'ORDER', false],
    ['o.der', 'order', false],
  ])('%s, %s: %s', (pattern, type, matches) => {
    expect(compilePattern(pattern)(type)).toBe(matches);
  });

  test('of many # ends at once also where nothing matches', () => {
    const matches = compilePattern(`${'#.'.repeat(60)}x`);
    expect(matches(Array(127).fill('a').join('.'))).toBe(false);
    expect(matches(`${'a.'.repeat(126)}x`)).toBe(true);
  });
});

/** As it comes from JSON, so that `__proto__` is an own key. */
function eventWith(more: string): Event {
  return eventSchema.parse(JSON.parse(`{"specversion":"1.0","id":"1","source":"shop","type":"a.b",${more}}`));
}

const fill = (template: string, more: string) => fillTemplate(compileTemplate(template), eventWith(more));
const filled = (...audiences: string[]) => ({ ok: true, value: audiences });
const refused = (code: string, path: string) => ({ ok: false, refusal: { code, path } });

describe('a template', () => {
  test.each([
    ['global', '"data":{}', ['global']],
    ['user:{data.id}', '"data":{"id":"u1"}', ['user:u1']],
    ['user:{data.id}', '"data":{"id":42}', ['user:42']],
    ['user:{data.order.customer.id}', '"data":{"order":{"customer":{"id":"a"}}}', ['user:a']],
    ['topic:{type}.{subject}', '"subject":"s"', ['topic:a.b.s']],
    ['department:{source}', '"data":{}', ['department:shop']],
    ['user:{data.ids}', '"data":{"ids":["a",2,"a"]}', ['user:a', 'user:2', 'user:a']],
    [
      'topic:{data.a}.{data.b}',
      '"data":{"a":["x","y"],"b":[1,2]}',
      ['topic:x.1', 'topic:x.2', 'topic:y.1', 'topic:y.2'],
    ],
    ['user:{data.ids}', '"data":{"ids":[]}', []],
    ['user:{data.ids.1}', '"data":{"ids":["a",2]}', ['user:2']],
    ['user:{data."a.b"}', '"data":{"a.b":"c"}', ['user:c']],
  ])('%s with %s', (template, more, audiences) => {
    expect(fill(template, more)).toEqual(filled(...audiences));
  });

  test.each([
    ['user:{data.id}', '"data":{}', 'data.id'],
    ['user:{data.id}', '"id":"2"', 'data.id'],
    ['user:{data.a.b}', '"data":{"a":"text"}', 'data.a.b'],
    ['user:{data.id}', '"data":{"id":null}', 'data.id'],
    ['user:{data.id}', '"data":{"id":true}', 'data.id'],
    ['user:{data.id}', '"data":{"id":{"a":1}}', 'data.id'],
    ['user:{data.ids}', '"data":{"ids":["a",null]}', 'data.ids'],
    ['user:{data.ids}', '"data":{"ids":[["a"]]}', 'data.ids'],
    ['user:{data.ids.1}', '"data":{"ids":["a"]}', 'data.ids.1'],
    ['user:{data.ids.length}', '"data":{"ids":["a"]}', 'data.ids.length'],
    ['user:{subject}', '"data":{}', 'subject'],
    ['user:{data.__proto__.x}', '"data":{}', 'data.__proto__.x'],
    ['user:{data.constructor.name}', '"data":{}', 'data.constructor.name'],
    ['user:{data.id.length}', '"data":{"id":"abc"}', 'data.id.length'],
  ])('%s finds nothing in %s', (template, more, path) => {
    expect(fill(template, more)).toMatchObject(refused('invalid_event', path));
  });

  test('finds nothing that data inherits', () => {
    const event = { ...eventWith('"subject":"s"'), data: Object.create({ id: 'inherited' }) };
    expect(fillTemplate(compileTemplate('user:{data.id}'), event)).toMatchObject(
      refused('invalid_event', 'data.id'),
    );
  });

  test.each([
    ['a space at its end', '"a "'],
    ['a comma', '"a,b"'],
    ['a mark of direction', '"a\\u202eb"'],
    ['braces', '"{x}"'],
    ['nothing', '""'],
    ['too long', `"${'x'.repeat(129)}"`],
    ['one of several', '["a","b}"]'],
  ])('refuses an id with %s', (_name, id) => {
    expect(fill('user:{data.id}', `"data":{"id":${id}}`)).toMatchObject(refused('invalid_audience', 'data'));
  });

  // JSON.parse rounds it: the notification would go to user 9007199254740992, somebody else.
  test('takes a number that no double holds exactly as it was written, and refuses it where that is not known', () => {
    expect(fill('user:{data.id}', '"data":{"id":9007199254740993}').ok).toBe(false);
    const read = readStructured(
      Buffer.from('{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"id":9007199254740993}}'),
    );
    if (!read.ok) throw new Error(read.refusal.message);
    expect(fillTemplate(compileTemplate('user:{data.id}'), read.value.event)).toEqual(
      filled('user:9007199254740993'),
    );
  });

  test('refuses a number that is infinite', () => {
    expect(fill('user:{data.id}', '"data":{"id":1e999}').ok).toBe(false);
  });

  test('stops before arrays multiply without bound', () => {
    const list = JSON.stringify(Array(500).fill('x'));
    expect(fill('user:{data.a}{data.a}{data.a}', `"data":{"a":${list}}`)).toMatchObject(
      refused('too_many_audiences', 'data'),
    );
  });

  test.each([
    'global',
    'user:42',
    'user:{data.id}',
    'topic:{type}',
    'topic:{data.a.b}-{subject}',
    'user:{source}',
  ])('%s is well-formed', (text) => {
    expect(templateFault(text)).toBeUndefined();
  });

  test.each([
    ['user:{data}', '{data}'],
    ['user:{id}', '{id}'],
    ['user:{}', '{}'],
    ['user:{data.a..b}', '{data.a..b}'],
    ['user:{data.a', 'is not an audience'],
    ['user:data.a}', 'is not an audience'],
    ['{data.kind}:{data.id}', 'is not an audience'],
    ['everybody', 'is not an audience'],
    ['global:{data.id}', 'is not an audience'],
    ['user:', 'is not an audience'],
    ['', 'is not an audience'],
  ])('%s is at fault', (text, fault) => {
    expect(templateFault(text)).toContain(fault);
  });
});

describe('the audiences of an event', () => {
  const route = (type: string, ...audience: string[]): Route => ({
    type,
    matches: compilePattern(type),
    audience: audience.map(compileTemplate),
  });
  const routes = [
    route('a.*', 'user:{data.id}', 'department:ops'),
    route('a.#', 'department:ops', 'global'),
    route('x', 'topic:never'),
  ];
  const named = (...audience: Audience[]) => eventWith(`"audience":${JSON.stringify(audience)}`);

  test('are those of all matching routes, each once with the first that named it, in order', () => {
    expect(audiencesOf(eventWith('"data":{"id":1}'), routes, 10)).toEqual({
      ok: true,
      value: [
        { audience: 'user:1', route: 'a.*' },
        { audience: 'department:ops', route: 'a.*' },
        { audience: 'global', route: 'a.#' },
      ],
    });
  });

  test('are those that it names, and then no route applies, not even one that would refuse it', () => {
    expect(audiencesOf(named('user:9', 'user:8', 'user:9'), routes, 10)).toEqual({
      ok: true,
      value: [{ audience: 'user:9' }, { audience: 'user:8' }],
    });
  });

  test('are refused with the refusal of a route that needs more data', () => {
    expect(audiencesOf(eventWith('"data":{}'), routes, 10)).toMatchObject(
      refused('invalid_event', 'data.id'),
    );
  });

  test.each<[string, readonly Route[]]>([
    ['no route', []],
    ['no matching route', [route('x', 'global')]],
    ['only an empty array', [route('#', 'user:{data.ids}')]],
  ])('are refused as no_audience when there is %s', (_name, some) => {
    expect(audiencesOf(eventWith('"data":{"ids":[]}'), some, 10)).toMatchObject(
      refused('no_audience', 'audience'),
    );
  });

  test('are refused above the bound, counted without repeats', () => {
    const event = named('user:1', 'user:2', 'user:1');
    expect(audiencesOf(event, [], 2).ok).toBe(true);
    expect(audiencesOf(event, [], 1)).toMatchObject(refused('too_many_audiences', 'audience'));
    expect(audiencesOf(eventWith('"data":{"id":[1,2,3]}'), routes, 4)).toMatchObject(
      refused('too_many_audiences', 'audience'),
    );
  });

  test('may be as many as the largest bound that can be set', () => {
    const ids = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => i));
    const mapped = audiencesOf(eventWith(`"data":{"ids":${ids}}`), [route('#', 'user:{data.ids}')], 100_000);
    expect(mapped.ok && mapped.value.length).toBe(100_000);
  });
});
