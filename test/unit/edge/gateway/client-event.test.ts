/** What clients publish becomes events that say who wrote them, and nothing that only services may say. */
import { expect, test } from 'vitest';
import { clientEvent } from '../../../../src/edge/gateway/client-event.ts';

const request = { topic: 'chat.1', type: 'chat.message', data: { body: 'hello' } };
const post = (own: object = {}, maxBytes = 65_536) => clientEvent('ada', { ...request, ...own }, maxBytes);
const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });

test('an event of the user, for the topic', () => {
  const posted = post({ id: 'm1' });
  expect(posted).toMatchObject({
    ok: true,
    value: {
      event: {
        id: 'm1',
        source: '/users/ada',
        type: 'chat.message',
        audience: ['topic:chat.1'],
        data: { body: 'hello' },
      },
      envelope: { specversion: '1.0', time: expect.stringMatching(/Z$/) },
    },
  });
});

test('the source names who wrote it, and is nobody else’s, whatever the user’s id is', () => {
  const users = [
    '张三',
    'auth0|5f7c',
    'a b',
    'a%20b',
    '部'.repeat(128),
    `${'部'.repeat(127)}门`,
    'a/b',
    '*',
    '🔔'.repeat(128),
  ];
  const sources = users.map((user) => {
    const posted = clientEvent(user, request, 65_536);
    return posted.ok ? posted.value.event.source : '';
  });
  expect(sources.slice(0, 4)).toEqual([
    '/users/%E5%BC%A0%E4%B8%89',
    '/users/auth0%7C5f7c',
    '/users/a%20b',
    '/users/a%2520b',
  ]);
  expect(new Set(sources).size).toBe(users.length);
  for (const source of sources) expect(source).toMatch(/^\/users\/[!-~]{1,249}$/);
});

test('without an id each is another event', () => {
  const ids = [post(), post()].map((posted) => (posted.ok ? posted.value.event.id : ''));
  expect(new Set(ids).size).toBe(2);
});

test('own events may be taken back, named with their source or without', () => {
  const type = 'carillon.retract';
  expect(post({ type, data: { id: 'm1' } }).ok).toBe(true);
  expect(post({ type, data: { id: 'm1', source: '/users/ada' } }).ok).toBe(true);
});

test.for<[string, object, number | undefined, object]>([
  [
    "another's event",
    { type: 'carillon.retract', data: { id: 'm1', source: '/users/bob' } },
    undefined,
    { path: 'data.source' },
  ],
  ['a retraction of nothing', { type: 'carillon.retract', data: {} }, undefined, { path: 'data.id' }],
  ['a type of our own', { type: 'carillon.anything' }, undefined, { path: 'type' }],
  ['more than is allowed', { data: { body: 'x'.repeat(2_000) } }, 1_024, { code: 'too_large' }],
  ['deep nesting', { data: nested(80) }, undefined, { code: 'invalid_event' }],
])('%s is refused', ([, own, maxBytes, refusal]) => {
  expect(post(own, maxBytes)).toMatchObject({ ok: false, refusal });
});
