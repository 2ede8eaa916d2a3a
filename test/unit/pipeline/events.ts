/** Arbitrary valid events and audiences, for tests that hold for all of them. */
import { type Audience, isAudience } from '../../../src/contract/audience.ts';
import type { Event } from '../../../src/contract/event.ts';
import { mendedJson } from '../../../src/contract/json-text.ts';
import fc from '../../support/fast-check.ts';

const anyId = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._~@:+-]{1,128}$/),
  // What JSON, a key or a list would get wrong.
  fc.constantFrom('"', '\\', 'a "b" \\', '\\u0041', 'a","epoch":"b', '50%', 'R&D', '研发部', '🔔', 'a/b'),
);

export const anyAudience: fc.Arbitrary<Audience> = fc
  .oneof(
    fc.constant('global'),
    fc.tuple(fc.constantFrom('user', 'department', 'topic'), anyId).map((parts) => parts.join(':')),
  )
  .filter(isAudience);

/** Characters that a careless serialiser gets wrong: quotes, line ends, a lone surrogate. */
const trap = fc.constantFrom('"', '\\', '\n', '\u0000', '\u2028', '\u2029', '\ud800', '😀', '",{"offset":9}');

const anyText = (maxLength: number) =>
  fc
    .oneof(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.array(trap, { minLength: 1 }).map((all) => all.join('')),
    )
    .map((text) => text.slice(0, maxLength));

/** Attributes must hold neither lone surrogates nor control characters. */
const wellFormed = (text: string) => text.toWellFormed().replaceAll(/\p{Cc}/gu, '_');

const anyTime = fc
  .tuple(
    fc.date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    }),
    fc.constantFrom('Z', '+00:00', '-11:30', '+14:00'),
  )
  .map(([date, zone]) => date.toISOString().replace('Z', zone));

/** `-0` is left out: JSON writes it as 0. So are halves of characters: they are replaced. */
const anyData = fc
  .dictionary(fc.oneof(anyText(20), fc.constant('__proto__')), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 })
  .map((data): Record<string, unknown> => JSON.parse(mendedJson(JSON.stringify(data))));

const anyAttributes = fc.record(
  {
    specversion: fc.constant('1.0'),
    id: anyText(256).map(wellFormed),
    source: anyText(255).map((text) => wellFormed(`/${text.replaceAll(/\s/g, '_')}`)),
    type: fc.stringMatching(/^[\x21-\x7e]{1,255}$/),
    time: anyTime,
    subject: anyText(256).map(wellFormed),
    expirytime: anyTime,
    traceparent: fc.string({ maxLength: 256 }),
    audience: fc.array(anyAudience, { minLength: 1, maxLength: 5 }),
    collapsekey: anyText(128).map(wellFormed),
    severity: fc.constantFrom('info', 'success', 'warning', 'critical'),
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type'] },
);

const jsonTypes = ['application/json', 'application/vnd.a+json; charset=utf-8'];

const anyJsonContent = fc.record(
  { datacontenttype: fc.constantFrom(...jsonTypes), data: anyData },
  { requiredKeys: [] },
);

const anyBytes = fc.record(
  {
    datacontenttype: fc.constantFrom(...jsonTypes, 'image/png', 'text/plain; charset="ut\\f-8"'),
    data_base64: fc.base64String(),
  },
  { requiredKeys: ['data_base64'] },
);

/** Two in three have data or nothing, the others bytes. */
export const anyEvent: fc.Arbitrary<Event> = fc
  .tuple(anyAttributes, fc.oneof(anyJsonContent, anyJsonContent, anyBytes))
  .map(([attributes, content]) => ({ ...attributes, ...content }));
