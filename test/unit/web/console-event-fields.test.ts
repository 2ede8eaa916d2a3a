/** The console's form and its CloudEvent: what one changes the other shows, and what neither knows stays. */
import { describe, expect, test } from 'vitest';
import { readEnvelope } from '../../../src/contract/cloudevent.ts';
import {
  audienceIndexOf,
  fieldOf,
  readAudiences,
  readText,
  textOf,
  withAudiences,
  withText,
} from '../../../web/console/send/event-fields.ts';
import { TEMPLATES } from '../../../web/console/send/templates.ts';

const event = {
  specversion: '1.0',
  id: '1',
  source: '/orders',
  type: 'order.shipped',
  audience: ['user:ada'],
  data: { title: 'Shipped', order: 1001 },
};

describe('a text of the form', () => {
  test('is read where it stands, and empty when it is not there or no text', () => {
    expect(readText(event, 'title')).toBe('Shipped');
    expect(readText(event, 'type')).toBe('order.shipped');
    expect(readText(event, 'body')).toBe('');
    expect(readText({ ...event, data: 'text' }, 'title')).toBe('');
    expect(readText({ ...event, data: { title: 7 } }, 'title')).toBe('');
  });

  test('is written there, and what else the data has stays', () => {
    expect(withText(event, 'title', 'Late').data).toEqual({ title: 'Late', order: 1001 });
    expect(withText(event, 'title', '').data).toEqual({ order: 1001 });
    expect(withText(event, 'collapsekey', 'k')).toEqual({ ...event, collapsekey: 'k' });
    expect(withText({ ...event, severity: 'info' }, 'severity', '')).toEqual(event);
  });

  test('finds its place in the text: attributes in their order, those that are not known before the data', () => {
    const traced = { ...event, traceparent: '00-1' };
    expect(Object.keys(withText(traced, 'severity', 'critical'))).toEqual([
      'specversion',
      'id',
      'source',
      'type',
      'audience',
      'severity',
      'traceparent',
      'data',
    ]);
  });
});

describe('the audiences of the form', () => {
  test('are the same as a list and as a text with commas', () => {
    expect(readAudiences({ audience: 'user:a, global' })).toEqual(['user:a', 'global']);
    expect(readAudiences({ audience: ['user:a', 7, 'global'] })).toEqual(['user:a', 'global']);
    expect(readAudiences({ audience: 7 })).toEqual([]);
    expect(readAudiences({})).toEqual([]);
  });

  test('are written as a list, and left out when there are none', () => {
    expect(withAudiences(event, ['global', 'user:a,b']).audience).toEqual(['global', 'user:a,b']);
    expect('audience' in withAudiences(event, [])).toBe(false);
  });
});

describe('the path of a problem', () => {
  test.each([
    ['audience', 'audience', undefined],
    ['audience[3]', 'audience', 3],
    ['audience[3].x', 'audience', 3],
    ['data.title', 'title', undefined],
    ['expirytime', 'expirytime', undefined],
    ['data', undefined, undefined],
    ['audiences', undefined, undefined],
    ['constructor', undefined, undefined],
    [undefined, undefined, undefined],
  ])('%s is of the field %s', (path, field, index) => {
    expect(fieldOf(path)).toBe(field);
    expect(audienceIndexOf(path)).toBe(index);
  });
});

test.each(TEMPLATES)(
  'the template "$name" is an event once it has an id, and reads the same as text',
  (template) => {
    const made = { id: '1', ...template.event };
    expect(readEnvelope(made)).toMatchObject({ ok: true });
    expect(JSON.parse(textOf(made))).toEqual(made);
  },
);
