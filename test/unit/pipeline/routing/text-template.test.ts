/** Text templates: what is well-formed, what is filled in, and that nothing hostile gets out of them. */
import { describe, expect, test } from 'vitest';
import { readStructured } from '../../../../src/contract/cloudevent.ts';
import type { JsonObject } from '../../../../src/contract/json.ts';
import { rememberText } from '../../../../src/contract/written.ts';
import { EVENT_ROOTS, type Roots } from '../../../../src/pipeline/routing/placeholders.ts';
import {
  compileText,
  constantTextOf,
  fillText,
  onlyPathOf,
  textTemplateFault,
} from '../../../../src/pipeline/routing/text-template.ts';
import fc from '../../../support/fast-check.ts';
import { hostileJson } from '../../../support/hostile.ts';

const MESSAGE_ROOTS: Roots = {
  values: ['routingKey', 'exchange', 'body'],
  objects: ['properties', 'headers', 'body'],
};

/** As it comes in, with data that remembers how it was written. */
function eventWith(data: string): JsonObject {
  const text = `{"specversion":"1.0","id":"1","source":"/shop","type":"order.shipped","subject":"s","data":${data}}`;
  const read = readStructured(Buffer.from(text));
  if (!read.ok) throw new Error(read.refusal.message);
  return read.value.event;
}

const fill = (template: string, data: string, maxCharacters = 100, isCut = false) =>
  fillText(compileText(template), eventWith(data), { maxCharacters, isCut });
const filled = (text: string) => ({ ok: true, text });

describe('a text template', () => {
  test.each([
    ['Order {data.id} has shipped', '{"id":"A7"}', 'Order A7 has shipped'],
    ['{data.a}{data.b}', '{"a":"x","b":"y"}', 'xy'],
    ['{type} of {source}, {subject}, {id}', '{}', 'order.shipped of /shop, s, 1'],
    ['{data.customer.name}', '{"customer":{"name":"Ada"}}', 'Ada'],
    ['{data.items.1.name}', '{"items":[{"name":"a"},{"name":"b"}]}', 'b'],
    ['{data."a.b".c}', '{"a.b":{"c":"x"}}', 'x'],
    ['{data.isPaid}', '{"isPaid":false}', 'false'],
    ['{data.empty}!', '{"empty":""}', '!'],
    ['{{{data.id}}}', '{"id":"A7"}', '{A7}'],
    ['{{data.id}}', '{"id":"A7"}', '{data.id}'],
    ['{data.id}', '{"id":"{data.id}{{}}"}', '{data.id}{{}}'],
    ['{data.名}', '{"名":"值"}', '值'],
    ['no placeholder', '{}', 'no placeholder'],
    ['', '{}', ''],
  ])('%s with %s: %s', (template, data, text) => {
    expect(textTemplateFault(template, EVENT_ROOTS)).toBeUndefined();
    expect(fill(template, data)).toEqual(filled(text));
  });

  test.each([
    ['{data.n}', '{"n":1285704473650888702}', '1285704473650888702'],
    ['{data.n}', '{"n":5.00}', '5.00'],
    ['{data.n}', '{"n":-1.5e3}', '-1.5e3'],
    ['{data.n}', '{"n":1e999}', '1e999'],
    ['{data.list.1.n}', '{"list":[{"n":1.0},{"n":2.0}]}', '2.0'],
    ['{data.n}', '{"n":1,"n":3.10}', '3.10'],
    ['{data."a.b"}', '{"a.b":0.10}', '0.10'],
  ])('%s of %s leaves the number as it was written', (template, data, text) => {
    expect(fill(template, data)).toEqual(filled(text));
  });

  test('a number that nobody remembers is written as a double is', () => {
    const values = { body: { n: 5 } };
    expect(fillText(compileText('{body.n}'), values, { maxCharacters: 9 })).toEqual(filled('5'));
  });

  test.each([
    ['{data.id}', '{}'],
    ['{data.id}', '{"id":null}'],
    ['{data.id}', '{"id":{"a":1}}'],
    ['{data.id}', '{"id":["a"]}'],
    ['{data.id.length}', '{"id":"abc"}'],
    ['{data.list.length}', '{"list":["a"]}'],
    ['{data.list.01}', '{"list":["a","b"]}'],
    ['{data.list.-1}', '{"list":["a","b"]}'],
    ['{data.__proto__.x}', '{}'],
    ['{data.constructor.name}', '{}'],
    ['{data.toString}', '{}'],
    ['{time}', '{}'],
  ])('%s is missing in %s', (template, data) => {
    const path = template.slice(1, -1);
    expect(fill(`a ${template} b`, data)).toEqual({ ok: false, why: 'missing', path });
  });

  test.each([
    ['{data}', '{data} is not data.<field>, subject, source, type, id or time'],
    ['{customer}', '{customer} is not'],
    ['{subject.x}', '{subject.x} is not'],
    ['{}', '{} is not'],
    ['{data.}', '{data.} is not'],
    ['{data..a}', '{data..a} is not'],
    ['{data."a"b}', '{data."a"b} is not'],
    ['{__proto__}', '{__proto__} is not'],
    ['{constructor.name}', '{constructor.name} is not'],
    ['{ data.id }', '{ data.id } is not'],
    ['{data.id', 'has a single { or }'],
    ['data.id}', 'has a single { or }'],
    ['{data.{id}}', 'has a single { or }'],
    ['a\ud800', 'must be well-formed Unicode'],
  ])('%j has a fault', (text, fault) => {
    expect(textTemplateFault(text, EVENT_ROOTS)).toContain(fault);
  });

  test.each([
    '{body}',
    '{body.a.b}',
    '{routingKey}',
    '{headers."NServiceBus.MessageId"}',
    '{properties.messageId}',
  ])('%s is well-formed where roots are those of a message', (text) => {
    expect(textTemplateFault(text, MESSAGE_ROOTS)).toBeUndefined();
    expect(textTemplateFault(text, EVENT_ROOTS)).toContain('is not');
  });

  test('of one placeholder alone gives its path, and of none its text', () => {
    expect(onlyPathOf(compileText('{body."a.b"}'))).toEqual(['body', 'a.b']);
    expect(['{body} ', ' {body}', '{body}{body}', 'body', ''].map(compileText).map(onlyPathOf)).toEqual(
      Array(5).fill(undefined),
    );
    expect(['a {{b}}', '', 'a {body}'].map(compileText).map(constantTextOf)).toEqual([
      'a {b}',
      '',
      undefined,
    ]);
  });

  test('a body that is a list is looked into too', () => {
    const body: unknown[] = JSON.parse('[{"n":1285704473650888702}]');
    rememberText(body, '[{"n":1285704473650888702}]');
    expect(fillText(compileText('{body.0.n}'), { body }, { maxCharacters: 30 })).toEqual(
      filled('1285704473650888702'),
    );
  });
});

describe('a filled text is bounded:', () => {
  test('one that is too long is refused, and says by what', () => {
    expect(fill('{data.a}', '{"a":"12345"}', 5)).toEqual(filled('12345'));
    expect(fill('{data.a}', '{"a":"123456"}', 5)).toEqual({ ok: false, why: 'too_long', path: 'data.a' });
    expect(fill('{data.a}x', '{"a":"12345"}', 5)).toEqual({ ok: false, why: 'too_long', path: 'data.a' });
  });

  test.each([
    ['{data.a}', '{"a":"12345"}', '12345'],
    ['{data.a}', '{"a":"123456"}', '1234…'],
    ['{data.a} x', '{"a":"123"}', '123 x'],
    ['{data.a} xy', '{"a":"123"}', '123…'],
    ['{data.a}', '{"a":"123😀5"}', '123…'],
    ['{data.a}', '{"a":"12😀5"}', '12😀5'],
  ])('or cut, between characters: %s of %s', (template, data, text) => {
    expect(fill(template, data, 5, true)).toEqual(filled(text));
  });

  test('values are encoded when they are asked to be, and refused when they cannot stand there', () => {
    const encode = (value: string, before: string) =>
      value === '..' ? undefined : `${before.length}<${value}>`;
    const path = (data: string) =>
      fillText(compileText('/a/{data.x}'), eventWith(data), { maxCharacters: 20, encode });
    expect(path('{"x":"b"}')).toEqual(filled('/a/3<b>'));
    expect(path('{"x":".."}')).toEqual({ ok: false, why: 'not_allowed', path: 'data.x' });
  });
});

test('any text is either a fault or filled in from any data, well-formed and within its bound', () => {
  const pieces = [
    '{',
    '}',
    '{{',
    '}}',
    'data',
    '.',
    '"',
    'a',
    '__proto__',
    '0',
    '{data.a}',
    '{data.a.0}',
    '\ud800',
  ];
  const anyTemplate = fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 8 })
    .map((parts) => parts.join(''));
  let wellFormed = 0;
  fc.assert(
    fc.property(anyTemplate, hostileJson, fc.boolean(), fc.nat(40), (text, json, isCut, maxCharacters) => {
      if (textTemplateFault(text, EVENT_ROOTS) !== undefined) return;
      wellFormed += 1;
      const values = { subject: 'a\ud800', data: JSON.parse(`{"a":${json}}`) };
      const result = fillText(compileText(text), values, { maxCharacters, isCut });
      if (!result.ok) return;
      expect(result.text.isWellFormed()).toBe(true);
      expect(result.text.length).toBeLessThanOrEqual(Math.max(maxCharacters, 1));
    }),
    { numRuns: 3_000 },
  );
  expect(wellFormed).toBeGreaterThan(100);
});
