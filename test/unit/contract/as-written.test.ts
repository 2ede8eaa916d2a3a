/** What a producer wrote is what is sent on: data to the byte, attributes that are texts for every client. */
import { describe, expect, test } from 'vitest';
import { readStructured, textOfEvent } from '../../../src/contract/cloudevent.ts';
import type { Event } from '../../../src/contract/event.ts';
import { encodeEvent, NOTIFICATION_MIDDLE } from '../../../src/contract/notification.ts';
import { handshakeAuthSchema, requests } from '../../../src/contract/socket.ts';
import { writeJson } from '../../../src/contract/written.ts';
import { clientEvent } from '../../../src/edge/gateway/client-event.ts';
import { exactParser } from '../../../src/edge/gateway/exact-parser.ts';
import { MemoryDeadLetterStore } from '../../../src/operate/dead-letters/memory-dead-letter-store.ts';
import { notificationIn } from '../../../src/pipeline/inbox/stored-notification.ts';
import { readMessage } from '../../../src/pipeline/ingest/message.ts';
import { compileTemplate, fillTemplate } from '../../../src/pipeline/routing/template.ts';
import fc from '../../support/fast-check.ts';
import { anyObjectText } from './json-texts.ts';

const structured = (data: string, more = '') =>
  Buffer.from(`{"specversion":"1.0","id":"1","source":"/x","type":"x.y"${more},"data":${data}}`);

function read(bytes: Buffer) {
  const found = readStructured(bytes);
  if (!found.ok) throw new Error(found.refusal.message);
  return found.value;
}

function notificationOf(event: Event): string {
  const { head, tail } = encodeEvent(event, new Date(0))('user:42');
  return `${head}e1${NOTIFICATION_MIDDLE}7${tail}`;
}

test('data reaches the log, a signal, an answer and the queue again as it was written', () => {
  fc.assert(
    fc.property(anyObjectText, (data) => {
      const one = read(structured(data));
      expect(textOfEvent(one)).toBe(String(structured(data)));
      const json = notificationOf(one.event);
      expect(json.endsWith(`,"data":${data}}`)).toBe(true);
      const answer = {
        audiences: { 'user:42': { notifications: [notificationIn(json), notificationIn(json)] } },
      };
      expect(writeJson(answer)).toBe(`{"audiences":{"user:42":{"notifications":[${json},${json}]}}}`);
      expect(JSON.stringify(notificationIn(json))).toBe(JSON.stringify(JSON.parse(json)));

      const headers = {
        'cloudEvents:specversion': '1.0',
        'cloudEvents:id': '1',
        'cloudEvents:source': '/x',
        'cloudEvents:type': 'x',
      };
      const binary = readMessage(Buffer.from(data), { contentType: 'application/json', headers }, 1e6);
      expect(binary.ok && notificationOf(binary.value.event).endsWith(`,"data":${data}}`)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("what clients publish and what they are answered passes Socket.IO's parser as it was written", () => {
  fc.assert(
    fc.property(anyObjectText, (data) => {
      const decoder = new exactParser.Decoder();
      let request: unknown;
      decoder.on('decoded', (packet) => {
        request = packet.data[1];
      });
      decoder.add(`217["publish", {"topic":"t","type":"x","data":${data}}]`);
      const posted = clientEvent('ada', requests.publish.request.parse(request), 1e6);
      expect(posted.ok && notificationOf(posted.value.event).endsWith(`,"data":${data}}`)).toBe(true);

      const json = notificationOf(read(structured(data)).event);
      const packet = { type: 3, nsp: '/', id: 5, data: [{ notifications: [notificationIn(json)] }] };
      expect(new exactParser.Encoder().encode(packet)).toEqual([`35[{"notifications":[${json}]}]`]);
    }),
    { numRuns: 500 },
  );
});

test('a dead letter in memory is the event as it was written', async () => {
  const data = '{"orderId":1285704473650888702,"all":[1e400,-0,1.0]}';
  const deadLetters = new MemoryDeadLetterStore(async () => {});
  deadLetters.add(read(structured(data)).event, { code: 'no_audience', message: 'nobody' });
  const taken = await (await deadLetters.take()).next();
  expect(String(taken?.deadLetter.content)).toBe(String(structured(data)));
});

describe('half a character', () => {
  test('is replaced in data, and what was stored with one is served without', () => {
    const { event } = read(structured('{"\\ud83d":["\\ude00 \\ud83d\\ude00"]}'));
    expect(event.data).toEqual({ '\ufffd': ['\ufffd 😀'] });
    expect(notificationOf(event)).toContain('"data":{"\\ufffd":["\\ufffd \\ud83d\\ude00"]}');
    const old = notificationOf(event).replace('"\\ufffd"', '"\\ud83d"');
    expect(writeJson([notificationIn(old)])).toBe(`[${notificationOf(event)}]`);
  });

  test.for(['id', 'source', 'subject', 'collapsekey', 'traceparent', 'extension'])(
    'is refused in %s',
    (name) => {
      const wrong = readStructured(
        Buffer.from(`{"specversion":"1.0","id":"1","source":"/x","type":"x","${name}":"/a\\ud83d"}`),
      );
      expect(wrong).toEqual({
        ok: false,
        refusal: { code: 'invalid_event', message: 'must be well-formed Unicode', path: name },
      });
    },
  );

  test('is refused in the name of an attribute, of a device, and in ids that are marked', () => {
    expect(readStructured(structured('{}', ',"a\\ud83d":1'))).toMatchObject({
      ok: false,
      refusal: { path: 'a\ufffd' },
    });
    expect(handshakeAuthSchema.safeParse({ device: 'x\ud83d' }).success).toBe(false);
    expect(requests.mark.request.safeParse({ as: 'read', ids: ['x\ud83d'] }).success).toBe(false);
    expect(requests.mark.request.safeParse({ as: 'read', ids: ['x😀'] }).success).toBe(true);
  });

  test("never leaves in an answer, whoever's text it tells", () => {
    const packet = { type: 3, nsp: '/', id: 5, data: [{ message: '\ud83d' }] };
    expect(new exactParser.Encoder().encode(packet)).toEqual(['35[{"message":"\\ufffd"}]']);
  });
});

test.for(['id', 'source', 'subject', 'collapsekey', 'traceparent'])(
  'control characters are refused in %s',
  (name) => {
    for (const control of ['\\u0000', '\\u001b', '\\u007f', '\\u0085']) {
      const one = `{"specversion":"1.0","id":"1","source":"/x","type":"x","${name}":"/a${control}"}`;
      expect(readStructured(Buffer.from(one))).toMatchObject({
        ok: false,
        refusal: { code: 'invalid_event', path: name },
      });
    }
  },
);

test('a subject is checked as an id is', () => {
  for (const subject of ['""', `"${'x'.repeat(257)}"`, '7']) {
    expect(readStructured(structured('{}', `,"subject":${subject}`))).toMatchObject({
      ok: false,
      refusal: { path: 'subject' },
    });
  }
  expect(readStructured(structured('{}', `,"subject":"${'é'.repeat(256)}"`)).ok).toBe(true);
});

test('a route leads to the number as it was written, and never to a rounded one', () => {
  const template = compileTemplate('user:{data.customer.id}');
  const filled = (id: string) => fillTemplate(template, read(structured(`{"customer": {"id":${id}}}`)).event);
  expect(filled('1285704473650888702')).toEqual({ ok: true, value: ['user:1285704473650888702'] });
  expect(filled('[1285704473650888702, 7, "a"]')).toEqual({
    ok: true,
    value: ['user:1285704473650888702', 'user:7', 'user:a'],
  });
  expect(filled('1.0')).toEqual({ ok: true, value: ['user:1'] });
  for (const id of ['1285704473650888702.0', '1e400', '12857044736508887e20', '0.5'])
    expect(filled(id).ok).toBe(false);
  expect(filled('"a\\ud83d"')).toMatchObject({ ok: false, refusal: { code: 'invalid_audience' } });
});
