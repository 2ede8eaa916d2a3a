/** Hostile messages and files: whatever comes, a source makes an event or a coded refusal of it, and a file has faults. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readContentHeader } from '../../../../src/adapters/rabbitmq/amqp-properties.ts';
import { isAudience } from '../../../../src/contract/audience.ts';
import { deadLetterSchema } from '../../../../src/contract/dead-letter.ts';
import { refusalCodeSchema } from '../../../../src/contract/refusal.ts';
import { reasonHeaders } from '../../../../src/operate/dead-letters/dead-letter-writer.ts';
import { factsOf, namesOf, viewOf } from '../../../../src/operate/dead-letters/stored-dead-letter.ts';
import { arrivalIn, originHeaders } from '../../../../src/pipeline/sources/arrival.ts';
import { MessageReader } from '../../../../src/pipeline/sources/message-reader.ts';
import { parseSources, SourcesError } from '../../../../src/pipeline/sources/sources-file.ts';
import { contentHeader } from '../../../support/amqp-bytes.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs, hostileJson, weighted } from '../../../support/hostile.ts';
import { hostileProperties, spoiltProperties } from '../../../support/hostile-amqp.ts';
import { LIMITS } from './messages.ts';

const tried = countInputs();
afterEach(() => expect('polluted' in {}).toBe(false));

const event = `{ id: ["{properties.messageId}", "{body.id}", "{hash}"], source: "/s/{headers.a}", subject: ["{data.who.name}", null], audience: ["user:{data.id}", "department:{routingKey}"], data: { all: "{body}", text: "{body.id} {headers.a}" } }`;
const yaml = `
sources:
  - exchange: plain
  - exchange: filled
    event: ${event}
  - { exchange: cloudevents, envelope: cloudevents, event: { audience: "user:{data.id}" } }
  - { exchange: masstransit, envelope: masstransit, event: { subject: ["{data.id}", null] } }
  - { exchange: nservicebus, envelope: nservicebus }
  - queue: queue
`;
const sources = parseSources(yaml, 'sources.yaml');
const reader = new MessageReader(sources, LIMITS);

const anyOrigin = fc.constantFrom(
  ...['plain', 'filled', 'cloudevents', 'masstransit', 'nservicebus', 'unknown'].map((exchange) => ({
    exchange,
  })),
  { exchange: '', queue: 'queue' },
);

const anyBody = weighted<Buffer>(
  [3, hostileJson.map((text) => Buffer.from(text))],
  [
    3,
    hostileJson.map((text) =>
      Buffer.from(`{"id":${text},"who":${text},"message":${text},"messageType":[${text}]}`),
    ),
  ],
  [1, fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))],
);

test('a message is an event with audiences that are some, or a refusal with a code; and so is its dead letter', () => {
  fc.assert(
    fc.property(
      anyOrigin,
      anyBody,
      fc.oneof(hostileProperties, spoiltProperties),
      fc.string({ maxLength: 60 }),
      (origin, content, bytes, routingKey) => {
        tried();
        const { properties } = readContentHeader(contentHeader(bytes, content.length));
        const arrival = { content, fields: { routingKey }, properties, origin };
        const read = reader.read(arrival);
        if (read.ok) {
          expect(read.value.event.audience?.every(isAudience) ?? true).toBe(true);
          expect(read.value.event.id.length).toBeGreaterThan(0);
        } else expect(refusalCodeSchema.options).toContain(read.refusal.code);

        const { deadLetter } = namesOf(arrival, reader);
        const refusal = read.ok ? { code: 'internal' as const, message: 'x' } : read.refusal;
        const headers = { ...properties.headers, ...reasonHeaders(refusal), ...originHeaders(arrival) };
        const stored = {
          content,
          fields: { routingKey },
          properties: { ...properties, headers, messageId: deadLetter },
        };
        const facts = factsOf(stored, reader);
        expect(facts.id).toBe(deadLetter);
        const view = viewOf(stored, facts, JSON.stringify, 4_096, reader);
        expect(deadLetterSchema.safeParse({ ...view, copies: 1 }).error).toBeUndefined();
        const again = arrivalIn(stored);
        // What names where RabbitMQ gave it up, and is forged, leads nowhere.
        if (!isForgedDeath(properties.headers)) expect(again.origin).toEqual(origin);
      },
    ),
    { numRuns: 800 },
  );
});

function isForgedDeath(headers: object | undefined): boolean {
  return headers !== undefined && Object.hasOwn(headers, 'x-death');
}

// The YAML library says on standard error when a key is no text.
beforeAll(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterAll(() => vi.restoreAllMocks());

test('a file is sources or faults with lines', () => {
  const words = fc.constantFrom(
    ...[
      'sources:',
      '- ',
      '\n',
      '\n  ',
      '\n    ',
      'exchange:',
      'queue:',
      'keys:',
      'envelope:',
      'event:',
      'data:',
      'id:',
    ],
    ...[
      ' a',
      ' [',
      ']',
      ' {',
      '}',
      ', ',
      ': ',
      '"{body}"',
      '"{body.x}"',
      '"{',
      '&a ',
      '*a',
      '<<: *a',
      '~',
      '__proto__',
      '.nan',
      '!!set ',
    ],
  );
  const anyText = fc.oneof(
    fc.array(words, { maxLength: 40 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.nat(yaml.length), fc.array(words, { maxLength: 4 }), fc.nat(12))
      .map(([at, parts, dropped]) => yaml.slice(0, at) + parts.join('') + yaml.slice(at + dropped)),
    hostileJson.map(
      (text) => `sources: [{ exchange: a, event: { id: ${text}, audience: ${text}, data: ${text} } }]`,
    ),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      tried();
      try {
        parseSources(text, 'sources.yaml');
      } catch (error) {
        if (!(error instanceof SourcesError)) throw error;
        expect(error.faults.length).toBeGreaterThan(0);
        for (const fault of error.faults) expect(fault).toMatch(/^sources\.yaml:\d+: \S/);
      }
    }),
    { numRuns: 1_500 },
  );
});
