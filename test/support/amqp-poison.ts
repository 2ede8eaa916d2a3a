/**
 * Messages whose headers and properties are poison: RabbitMQ passes them on, but client libraries fail on them or write
 * them wrongly.
 */
import {
  array,
  double,
  type Field,
  int,
  nestedArrays,
  nestedTables,
  type PropertyBytes,
  table,
  tagged,
  text,
} from './amqp-bytes.ts';
import { madeEvent } from './producer.ts';

const headers = (...fields: Field[]): PropertyBytes => ({ headers: fields });
/**
 * A field replaces the attribute of the same name. If both were sent, RabbitMQ 3 would pass on both, and RabbitMQ 4
 * only the first.
 */
const binary = (...fields: Field[]): PropertyBytes => {
  const attributes = { specversion: '1.0', id: 'b', source: '/b', type: 't' };
  const names = new Set(fields.map(([name]) => String(name)));
  return {
    contentType: 'application/json',
    headers: [
      ...Object.entries(attributes)
        .map(([name, value]): Field => [`cloudEvents:${name}`, text(value)])
        .filter(([name]) => !names.has(String(name))),
      ...fields,
    ],
  };
};
const none = Buffer.alloc(0);
const broken = Buffer.from('?');
/** A valid event for the user `whole`. */
export const wholeEvent = Buffer.from(JSON.stringify(madeEvent('whole', { audience: 'user:whole' })));
const expired: Field = ['cloudEvents:expirytime', text('2020-01-01T00:00:00Z')];

interface Poison {
  readonly what: string;
  readonly properties: PropertyBytes;
  readonly body: Buffer;
  readonly reason: string;
  /** A part of the log text that reports what was left out; undefined when nothing was left out. */
  readonly leftOut?: string;
  readonly key?: Uint8Array;
}

export const poison: readonly Poison[] = [
  {
    what: '4,000 nested tables beside a whole event',
    properties: headers(['deep', nestedTables(4_000)]),
    body: wholeEvent,
    reason: 'invalid_headers',
    leftOut: '"deep"',
  },
  {
    what: '4,000 nested arrays and no event',
    properties: headers(['x-match', text('all')], ['deep', nestedArrays(4_000)]),
    body: broken,
    reason: 'invalid_headers',
    leftOut: '"deep"',
  },
  {
    what: 'an audience that is 4,000 tables',
    properties: binary(['cloudEvents:audience', nestedTables(4_000)]),
    body: none,
    reason: 'invalid_headers',
    leftOut: "all of the event's attributes",
  },
  {
    what: 'a routing key that is three times as long in UTF-8',
    properties: {},
    body: broken,
    reason: 'not_json',
    key: Buffer.alloc(255, 0xff),
    leftOut: 'a part of the routing key',
  },
  {
    what: 'a content type that is not UTF-8',
    properties: { contentType: Buffer.alloc(200, 0xff) },
    body: broken,
    reason: 'unsupported_media_type',
    leftOut: 'contentType',
  },
  {
    what: 'a content encoding that is not UTF-8',
    properties: { contentEncoding: Buffer.alloc(255, 0xff) },
    body: broken,
    reason: 'unsupported_media_type',
    leftOut: 'contentEncoding',
  },
  {
    what: 'a type of its own that is none',
    properties: headers(['own', table(['!', text('long')], ['value', text('no number')])]),
    body: broken,
    reason: 'not_json',
    leftOut: '"own"',
  },
  {
    what: 'a type of its own with a value that is none',
    properties: headers(['own', table(['!', text('timestamp')])]),
    body: broken,
    reason: 'not_json',
    leftOut: '"own"',
  },
  {
    what: 'a name that is three times as long in UTF-8',
    properties: headers([Buffer.alloc(200, 0xff), int(1)]),
    body: broken,
    reason: 'not_json',
    leftOut: '\ufffd',
  },
  {
    what: 'headers of 120 KB',
    properties: headers(['small', int(1)], ['big', text('x'.repeat(120_000))]),
    body: broken,
    reason: 'not_json',
    leftOut: '"big"',
  },
  {
    what: 'an expired event for so many that its attributes cannot be copied',
    properties: binary(['cloudEvents:audience', text('user:a,'.repeat(12_000))], expired),
    body: none,
    reason: 'invalid_audience',
    leftOut: "all of the event's attributes",
  },
  {
    what: 'a prototype',
    properties: headers(['__proto__', table(['x-carillon-headers', text('forged')])]),
    body: broken,
    reason: 'not_json',
  },
  {
    what: 'deaths that cannot be counted',
    properties: headers(['x-death', array(table(['count', double(1.5)], ['reason', text('forged')]))]),
    body: broken,
    reason: 'not_json',
  },
  {
    what: 'reasons that were not given',
    properties: headers(['x-carillon-reason', int(7)], ['x-carillon-headers', text('forged')]),
    body: broken,
    reason: 'not_json',
  },
  ...[0xfe, 0xff].map((byte) => ({
    what: `an id that is not UTF-8, ${byte}`,
    properties: {
      ...binary(['cloudEvents:audience', text('global')], ['cloudEvents:id', text(Buffer.of(byte))]),
    },
    body: none,
    reason: 'invalid_event',
  })),
  {
    what: 'a date that no calendar has',
    properties: binary(['cloudEvents:time', tagged('T', Buffer.alloc(8, 0xff))]),
    body: none,
    reason: 'invalid_event',
  },
];
