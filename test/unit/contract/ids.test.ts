/** Ids: which texts are some, that each has its own keys, room and channel, and that those of before stay as they were. */
import calculateSlot from 'cluster-key-slot';
import { describe, expect, test } from 'vitest';
import { logKeyOf, logKeysOf, onceKeyOf } from '../../../src/adapters/redis/keys.ts';
import {
  type Audience,
  audienceIdSchema,
  audienceOf,
  audienceSchema,
  isAudience,
  roomOf,
  topicSchema,
} from '../../../src/contract/audience.ts';
import { decodeId, encodeId, faultOfId, normalised } from '../../../src/contract/id.ts';
import { cursorsSchema } from '../../../src/contract/recovery.ts';
import { channelOf } from '../../../src/edge/gateway/redis-live-messages.ts';
import fc from '../../support/fast-check.ts';
import { countInputs } from '../../support/hostile.ts';

const tried = countInputs();

describe('an id', () => {
  test.for([
    'auth0|5f7c',
    '张三',
    '销售部',
    'R&D',
    'Sales & Marketing',
    'Zoë',
    'a:b:c',
    'global',
    'a/b',
    '50%',
    '%41',
    'what?',
    'a#b',
    '*',
    `O'Neil "Jane" \\`,
    'CN=Ada,OU=x'.replace(',', ';'),
    'name@example.com',
    'a\u3000b',
    'علی\u200cرضا',
    'क्\u200dष',
    '👩\u200d💻',
    '❤\ufe0f\u200d🔥',
    '🔔'.repeat(128),
    '部'.repeat(128),
    'x'.repeat(128),
  ])('may be %s', (id) => {
    expect(audienceIdSchema.safeParse(id)).toEqual({ success: true, data: id });
    expect(isAudience(`user:${id}`)).toBe(true);
    expect(decodeId(encodeId(id))).toBe(id);
  });

  test.for<[string, string]>([
    ['', 'at least one'],
    ['x'.repeat(129), 'at most 128'],
    ['🔔'.repeat(129), 'at most 128'],
    ['x'.repeat(1_000_000), 'at most 128'],
    ['\ud83d', 'well-formed'],
    ['a\udc14b', 'well-formed'],
    ['a,b', 'commas'],
    ['{a', 'braces'],
    ['a}', 'braces'],
    [' a', 'spaces at its ends'],
    ['a ', 'spaces at its ends'],
    ['a\u3000', 'spaces at its ends'],
    ['\ufeffa', 'spaces at its ends'],
    ['\n', 'spaces at its ends'],
    ['a\u0000b', 'control'],
    ['a\tb', 'control'],
    ['a\u001b[31mb', 'control'],
    ['a\u007fb', 'control'],
    ['a\u0085b', 'control'],
    ['a\u2028b', 'control'],
    ['a\u2029b', 'control'],
    ['a\u202eb', 'invisible'],
    ['a\u2066b', 'invisible'],
    ['a\u200eb', 'invisible'],
    ['a\u061cb', 'invisible'],
    ['a\u200bb', 'invisible'],
    ['a\u2060b', 'invisible'],
    ['a\u00adb', 'invisible'],
    ['a\u200db', 'invisible'],
    ['sales\u200c', 'invisible'],
    ['1\ufe0f', 'invisible'],
    ['a\u{e0041}b', 'invisible'],
    ['a\u3164b', 'invisible'],
    ['a\uffffb', 'invisible'],
    ['a\ufffdb', 'invisible'],
  ])('may not be %j: %s', ([id, fault]) => {
    const result = audienceIdSchema.safeParse(id);
    expect(result.error?.issues[0]?.message).toContain(fault);
    expect(isAudience(`department:${id}`)).toBe(false);
  });

  test('of a topic has no signs of patterns', () => {
    for (const topic of ['*', 'a.*', '#', 'a#']) {
      expect(topicSchema.safeParse(topic).success).toBe(false);
      expect(isAudience(`topic:${topic}`)).toBe(false);
      expect(isAudience(`user:${topic}`)).toBe(true);
    }
    expect(topicSchema.parse('行情.btc-usd')).toBe('行情.btc-usd');
  });

  test('is normalised where it comes in, as a key of an object too', () => {
    const [composed, decomposed] = ['Zo\u00eb', 'Zoe\u0308'];
    expect(audienceIdSchema.parse(decomposed)).toBe(composed);
    expect(audienceSchema.parse(`user:${decomposed}`)).toBe(`user:${composed}`);
    expect(cursorsSchema.parse({ [`user:${decomposed}`]: { epoch: 'a', offset: 1 } })).toEqual({
      [`user:${composed}`]: { epoch: 'a', offset: 1 },
    });
    expect(isAudience(`user:${decomposed}`)).toBe(false);
    expect(audienceIdSchema.parse('ộ'.normalize('NFD').repeat(128))).toBe('ộ'.repeat(128));
    // Case is part of it.
    expect(audienceIdSchema.parse('ADA')).toBe('ADA');
  });
});

/** As the version before wrote them, for ids that it took: what lies in Redis is found again. */
const BEFORE: readonly (readonly [Audience, string])[] = [
  ['user:42', 'user:42'],
  ['user:auth0.5f7c@x+y~z_-', 'user:auth0.5f7c@x+y~z_-'],
  ['department:a:b:c', 'department:a:b:c'],
  ['topic:ticker.btc-usd', 'topic:ticker.btc-usd'],
  ['topic:carillon.canary.node-1', 'topic:carillon.canary.node-1'],
  ['global', 'global'],
];

test.for(BEFORE)('%s has the keys, the room and the channel that it had', ([audience, tag]) => {
  expect(logKeysOf(audience)).toEqual([
    `carillon:{${tag}}:log`,
    `carillon:{${tag}}:meta`,
    `carillon:{${tag}}:newest`,
    `carillon:{${tag}}:retracted`,
  ]);
  expect(onceKeyOf(audience, '/s 1')).toBe(`carillon:{${tag}}:once:/s 1`);
  expect(roomOf(audience)).toBe(`{${tag}}`);
  expect(channelOf(roomOf(audience))).toBe(`socket.io#/#{${tag}}#`);
});

test('the others are percent-encoded', () => {
  expect(logKeyOf('department:销售部', 'log')).toBe('carillon:{department:%E9%94%80%E5%94%AE%E9%83%A8}:log');
  expect(logKeyOf('user:auth0|5f7c', 'meta')).toBe('carillon:{user:auth0%7C5f7c}:meta');
  expect(logKeyOf('user:%41', 'meta')).toBe('carillon:{user:%2541}:meta');
  expect(roomOf("user:O'Neil (1)*!")).toBe('{user:O%27Neil%20%281%29%2A%21}');
});

const piece = fc.constantFrom(
  ...[
    'a',
    'A',
    ':',
    '%',
    '%41',
    '%2',
    '#',
    '*',
    '?',
    '[',
    ' ',
    '{',
    '}',
    ',',
    '|',
    '/',
    '"',
    '\\',
    "'",
    '(',
    '+',
    '.',
  ],
  ...[
    '部',
    '🔔',
    'e\u0301',
    '\u00e9',
    '\u0301',
    '\u200d',
    '\u202e',
    '\n',
    '\ud83d',
    '\ufffd',
    '\u212a',
    '\u037e',
    'ﬁ',
  ],
);
const anyText = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const anyAudience = fc
  .tuple(fc.constantFrom('user', 'department', 'topic'), anyText)
  .map(([kind, id]) => normalised(`${kind}:${id}`));

describe('of any text', () => {
  test('what is taken stays in its place: one hash tag, one slot, plain ASCII, and back again', () => {
    let taken = 0;
    fc.assert(
      fc.property(anyAudience, (audience) => {
        tried();
        if (!isAudience(audience)) return;
        taken += 1;
        const room = roomOf(audience);
        const names = [...logKeysOf(audience), onceKeyOf(audience, 'x{y}z'), channelOf(room)];
        for (const name of names) {
          // Redis takes what is between the first brace and the next one that closes.
          expect(`{${/\{(.*?)\}/s.exec(name)?.[1]}}`).toBe(room);
          expect(calculateSlot(name)).toBe(calculateSlot(room));
        }
        expect(room).toMatch(/^\{[A-Za-z0-9._~@:+%-]+\}$/);
        expect(audienceOf(room)).toBe(audience);
        // Whoever reads it again means the same.
        expect(audienceSchema.parse(audience)).toBe(audience);
        expect(audience).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp},{}]/u);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(2_000);
  });

  test('two different ones never meet', () => {
    const bySecond = new Map<string, string>();
    fc.assert(
      fc.property(anyAudience, anyAudience, (one, other) => {
        tried(2);
        for (const audience of [one, other]) {
          if (!isAudience(audience)) continue;
          const room = roomOf(audience);
          expect(bySecond.get(room) ?? audience).toBe(audience);
          bySecond.set(room, audience);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(new Set(bySecond.values()).size).toBe(bySecond.size);
    expect(bySecond.size).toBeGreaterThan(1_000);
  });

  test('a room that this service has not named is no audience', () => {
    for (const room of [
      '{user:%61}',
      '{user:%e9%94%80}',
      '{user:%E9}',
      '{user:%}',
      '{user:a b}',
      '{user:部}',
      '{user:%2C}',
    ])
      expect(audienceOf(room)).toBeUndefined();
    fc.assert(
      fc.property(anyText, (text) => {
        tried();
        const audience = audienceOf(`{${text}}`);
        if (audience !== undefined) expect(roomOf(audience)).toBe(`{${text}}`);
      }),
      { numRuns: 5_000 },
    );
  });

  test('normalising what is an id changes nothing', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        tried();
        if (faultOfId(text) === undefined) expect(normalised(text)).toBe(text);
        const read = audienceIdSchema.safeParse(text);
        if (read.success) expect(faultOfId(read.data)).toBeUndefined();
      }),
      { numRuns: 10_000 },
    );
  });
});
