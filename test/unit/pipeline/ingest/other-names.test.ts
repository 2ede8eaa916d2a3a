/** Refused messages whose attributes have other names: the refusal says which was found, and what would be right. */
import { describe, expect, test } from 'vitest';
import { readMessage } from '../../../../src/pipeline/ingest/message.ts';

type Headers = Record<string, unknown>;

const read = (content: string, contentType?: string, headers?: Headers) =>
  readMessage(Buffer.from(content), { contentType, headers }, 65_536);

const ATTRIBUTES = { specversion: '1.0', id: '1', source: '/shop', type: 'order.shipped' };

describe('an attribute under another name is found, and named:', () => {
  const named = (prefix: string, change: (name: string) => string = (name) => name) =>
    Object.fromEntries(Object.entries(ATTRIBUTES).map(([name, value]) => [prefix + change(name), value]));
  const upper = (name: string) => name[0]?.toUpperCase() + name.slice(1);
  const HOW =
    'an attribute is cloudEvents:specversion or ce-specversion as a header, and specversion in JSON';

  test.each<[Headers, string]>([
    [named('ce_'), 'ce_specversion'],
    [named('CE-', upper), 'CE-Specversion'],
    [named('cloudEvents-'), 'cloudEvents-specversion'],
    [named('cloudevents:'), 'cloudevents:specversion'],
    [named('cloud_events_'), 'cloud_events_specversion'],
    [named('x-ce-'), 'x-ce-specversion'],
    [named('', upper), 'Specversion'],
    [{ 'ce-specVersion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }, 'ce-specVersion'],
    [{ 'cloudEvents:spec-version': '1.0' }, 'cloudEvents:spec-version'],
    [{ 'ce-cloudEventsVersion': '0.1' }, 'ce-cloudEventsVersion'],
  ])('%j', (headers, name) => {
    expect(read('{"a":1}', 'application/json', headers)).toEqual({
      ok: false,
      refusal: {
        code: 'invalid_event',
        message: `specversion is required; found ${name}: ${HOW}`,
        path: 'specversion',
      },
    });
  });

  test('in the JSON, too, and each attribute for itself', () => {
    const messageOf = (event: object) => {
      const message = read(JSON.stringify(event), undefined, { ce_x: 1 });
      return message.ok ? 'ok' : message.refusal.message;
    };
    expect(messageOf({ specVersion: '1.0', id: '1' })).toBe(
      `specversion is required; found specVersion: ${HOW}`,
    );
    expect(messageOf({ cloudEventsVersion: '0.1' })).toContain('found cloudEventsVersion');
    expect(messageOf({ specversion: '1.0', eventID: '1' })).toContain('id is required; found eventID: ');
    const envelope = { specversion: '1.0', id: '1', source: '/shop', type: 'a' };
    expect(messageOf({ ...envelope, source: undefined, 'ce-source': '/s' })).toContain('found ce-source');
    expect(messageOf({ ...envelope, type: undefined, Type: 'x' })).toContain(
      'type is required; found Type: ',
    );
  });

  test('also where the body is no JSON, or of another type', () => {
    expect(read('hello', undefined, named('ce_'))).toMatchObject({
      refusal: { code: 'not_json', message: expect.stringContaining('found ce_specversion') },
    });
    expect(read('hello', 'text/plain', named('ce_'))).toMatchObject({
      refusal: { code: 'unsupported_media_type', message: expect.stringContaining('found ce_specversion') },
    });
  });

  test('nothing else is taken for one, and what strangers write is cut and made visible', () => {
    const messageOf = (headers: Headers, event: object = { a: 1 }) => {
      const message = read(JSON.stringify(event), undefined, headers);
      return message.ok ? 'ok' : message.refusal.message;
    };
    expect(messageOf({ id: '1', type: 'x', 'x-id': '1', ceremony_type: 'x', version: 1 })).toBe(
      'must be "1.0"',
    );
    expect(messageOf({ 'ce_specversion\u202e': '1' })).toBe('must be "1.0"');
    expect(messageOf({ [`ce_${'-'.repeat(100)}specversion`]: '1' })).toBe('must be "1.0"');
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [`ce${'_'.repeat(i)}specversion`, 1]),
    );
    expect(messageOf(many).match(/_specversion/g)).toHaveLength(2);
    expect(messageOf({ ce_specversion: '1' }, { specversion: '0.3' })).toBe('must be "1.0"');
  });
});
