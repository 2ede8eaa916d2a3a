/** AMQP properties that no client library would write: of any type, length and depth, or with damaged bytes. */
import {
  array,
  double,
  type Field,
  int,
  int64,
  long,
  nestedArrays,
  nestedTables,
  nothing,
  type PropertyBytes,
  propertiesOf,
  table,
  tagged,
  text,
  timestamp,
} from './amqp-bytes.ts';
import fc from './fast-check.ts';
import { weighted } from './hostile.ts';

const notUtf8 = Buffer.from([0x61, 0xff, 0xc3, 0x28]);

const names = fc.constantFrom<string | Uint8Array>(
  'cloudEvents:id',
  'cloudEvents:source',
  'cloudEvents:type',
  'cloudEvents:specversion',
  'cloudEvents:audience',
  'cloudEvents:time',
  'cloudEvents_data',
  'ce-id',
  'ce-time',
  'ce_source',
  'x-amqp-1.0-app-properties',
  'cloudEvents:__proto__',
  'cloudEvents:',
  'timestamp_in_ms',
  'traceparent',
  'x-death',
  'x-carillon-reason',
  'x-carillon-headers',
  'x-delivery-count',
  'x-match',
  '__proto__',
  'constructor',
  'toJSON',
  'then',
  '!',
  'value',
  '',
  'n'.repeat(255),
  Buffer.alloc(255, 0xff),
  notUtf8,
);

const scalar: fc.Arbitrary<Buffer> = fc.constantFrom(
  text(''),
  text('1.0'),
  text('user:fuzz'),
  text('timestamp'),
  text('decimal'),
  text('no type'),
  text('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
  text('x'.repeat(3_000)),
  text(notUtf8),
  text('\ufffd\u202e\u0000'),
  int(0),
  int(0xffff_ffff),
  int64(2n ** 63n - 1n),
  int64(-(2n ** 63n)),
  int64(9_007_199_254_740_993n),
  timestamp(0n),
  timestamp(1_767_225_600n),
  timestamp(2n ** 64n - 1n),
  double(1.5),
  double(-1e300),
  double(Number.MAX_VALUE),
  double(Number.NaN),
  double(Number.NEGATIVE_INFINITY),
  nothing,
  tagged('t', Buffer.of(7)),
  tagged('b', Buffer.of(0x80)),
  tagged('B', Buffer.of(0xff)),
  tagged('s', Buffer.of(0x80, 0)),
  tagged('u', Buffer.of(0xff, 0xff)),
  tagged('i', Buffer.of(0xff, 0xff, 0xff, 0xff)),
  tagged('L', Buffer.alloc(8, 0xff)),
  tagged('f', Buffer.of(0x7f, 0xc0, 0, 0)),
  tagged('D', Buffer.alloc(5, 0xff)),
  tagged('x', long(Buffer.alloc(300, 0xfe))),
);

/** Values of an unknown type or with a wrong length. */
const wrong: fc.Arbitrary<Buffer> = fc.constantFrom(
  tagged('z', Buffer.alloc(8)),
  tagged('\0'),
  tagged('S', Buffer.of(0xff, 0xff, 0xff, 0xff)),
  tagged('F', Buffer.of(0, 0, 0, 9), Buffer.of(1)),
  tagged('A', Buffer.of(0, 0, 0, 3), int(7)),
  tagged('l', Buffer.of(1)),
);

const deep: fc.Arbitrary<Buffer> = fc.constantFrom(
  ...[30, 31, 32, 33, 500, 4_000].flatMap((levels) => [nestedTables(levels), nestedArrays(levels)]),
);

const value: fc.Arbitrary<Buffer> = fc.letrec<{ value: Buffer }>((tie) => ({
  value: weighted(
    [8, scalar],
    [1, fc.array(tie('value'), { maxLength: 4 }).map((values) => array(...values))],
    [2, fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }).map((fields) => table(...fields))],
  ),
})).value;

const fields = (of: fc.Arbitrary<Buffer>) => fc.array(fc.tuple(names, of), { maxLength: 6 });

const shortTexts = fc.constantFrom<string | Uint8Array>(
  '',
  'gzip',
  'text/plain',
  'x'.repeat(255),
  Buffer.alloc(200, 0xff),
  notUtf8,
);

const properties = (headers: fc.Arbitrary<readonly Field[]>): fc.Arbitrary<Buffer> =>
  fc
    .record(
      {
        contentType: weighted<string | Uint8Array>(
          [2, fc.constantFrom('application/json', 'application/cloudevents+json')],
          [1, shortTexts],
        ),
        contentEncoding: shortTexts,
        headers,
        priority: fc.constantFrom(0, 255),
        messageId: shortTexts,
        timestamp: fc.constantFrom(0n, 2n ** 64n - 1n),
      },
      { requiredKeys: ['headers'] },
    )
    .map((given: PropertyBytes) => propertiesOf({ ...given, deliveryMode: 2 }));

/** Properties that RabbitMQ usually passes on. */
export const hostileProperties: fc.Arbitrary<Buffer> = properties(fields(weighted([6, value], [1, deep])));

/** Damaged properties, or bytes that never were properties. */
export const spoiltProperties: fc.Arbitrary<Buffer> = weighted<Buffer>(
  [1, fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))],
  [2, properties(fields(weighted([2, value], [1, wrong])))],
  [
    3,
    fc
      .tuple(hostileProperties, fc.nat(), fc.uint8Array({ maxLength: 9 }), fc.boolean())
      .map(([bytes, at, noise, isCut]) => {
        const place = at % (bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, place), noise, isCut ? Buffer.of() : bytes.subarray(place)]);
      }),
  ],
);
