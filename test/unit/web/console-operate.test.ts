/** The pure parts of the console's area for operators: addresses, what answers say, fates, timelines, states of queues. */
import { describe, expect, test } from 'vitest';
import { verdicts } from '../../../src/contract/explanation.ts';
import { readPage, readRedriven, userIn } from '../../../web/console/dead-letters/dead-letter.ts';
import { fatesOf } from '../../../web/console/dead-letters/fates.ts';
import { filterOf, given, isSame } from '../../../web/console/dead-letters/filter.ts';
import { readExplanation } from '../../../web/console/explain/explanation.ts';
import { timelineOf } from '../../../web/console/explain/timeline.ts';
import { toneOf, verdictTitle } from '../../../web/console/explain/verdict.ts';
import { localTime, momentFrom } from '../../../web/console/operate/local-time.ts';
import { lacks } from '../../../web/console/operate/scopes.ts';
import { hashOf, readPlace } from '../../../web/console/place.ts';
import { notLetThrough, readProblem } from '../../../web/console/problem.ts';
import { readQueues, stateOf, whyUnknown } from '../../../web/console/queues/queue.ts';

describe('the address', () => {
  test.each([
    ['', 'try', 'send', {}],
    ['#live', 'try', 'live', {}],
    ['#nowhere?a=b', 'try', 'send', { a: 'b' }],
    ['#dead-letters', 'operate', 'dead-letters', {}],
    ['#explain?event=7d1c&user=42', 'operate', 'explain', { event: '7d1c', user: '42' }],
    ['#explain?event=50%&user=a%20b', 'operate', 'explain', { event: '50%', user: 'a b' }],
  ])('%s', (hash, area, view, params) => {
    expect(readPlace(hash)).toEqual({ area, view, params });
  });

  test('any id comes back as it was, and what is empty is left out', () => {
    const params = { event: 'a&b=c#d?e+f %é', user: '..' };
    expect(readPlace(hashOf('explain', { ...params, source: '' }))).toMatchObject({ params });
    expect(hashOf('users', { user: '' })).toBe('#users');
  });
});

describe('dead letters', () => {
  test('a filter holds only what is known, and tells itself from others', () => {
    const filter = filterOf({ reason: 'expired', id: 'x', limit: '9' });
    expect(given(filter)).toEqual({ reason: 'expired' });
    expect(isSame(filter, filterOf({ reason: 'expired' }))).toBe(true);
    expect(isSame(filter, filterOf({ reason: 'expired', type: 'a' }))).toBe(false);
  });

  test('what an answer does not say is not known, and not none', () => {
    expect(readPage({})).toEqual({
      deadLetters: [],
      matched: undefined,
      scanned: undefined,
      isPartial: false,
    });
    const [letter] = readPage({
      deadLetters: [{ id: 'a', headers: { deaths: 3 } }, 'no letter'],
    }).deadLetters;
    expect(letter).toMatchObject({ reason: 'unknown', time: undefined, event: undefined, body: undefined });
    expect(letter?.headers).toEqual([['deaths', '3']]);
  });

  test.each([
    ['{"audience":"user:42","data":{}}', '42'],
    ['{"audience":"department:a, user:a b"}', 'a b'],
    ['{"audience":["global","user:\\"x"]}', '"x'],
    ['{"audience":"department:user:1"}', undefined],
    ['{"audience":[1]}', undefined],
    ['{"audience":"user:1', undefined],
  ])('%s names the user %s', (body, user) => {
    expect(userIn(body)).toBe(user);
  });

  test('each one’s fate is told as far as the answer tells it', () => {
    const answer = { dryRun: false, matched: 3, redriven: 2, left: 0, isPartial: false };
    const refused = [{ code: 'no_audience', count: 1, ids: ['b'] }];
    const fates = (more: object) => [
      ...fatesOf(['a', 'b', 'c'], readRedriven({ ...answer, ...more })).values(),
    ];
    const stays = { status: 'refused', code: 'no_audience' };
    expect(fates({ refused })).toEqual([{ status: 'sent' }, stays, { status: 'sent' }]);
    const untold = { status: 'not told' };
    expect(fates({ refused, left: 1 })).toEqual([untold, stays, untold]);
    expect(fates({ refused: [{ code: 'no_audience', count: 2, ids: ['b'] }] })).toEqual([
      untold,
      stays,
      untold,
    ]);
  });
});

describe('a timeline', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 10, 28, 2, 0, second)).toISOString();

  test('keeps the order, and its gaps are those of the event’s way alone', () => {
    const { steps } = readExplanation({
      steps: [
        { at: at(0), what: 'received', detail: 'a' },
        { at: at(3), what: 'mapped', detail: 'b' },
        { what: 'shown', detail: 'c' },
        { at: at(2), what: 'appended', detail: 'd' },
        { at: at(50), what: 'device', detail: 'came long before or after' },
        { at: at(33), what: 'gone', detail: 'e' },
        { what: 'new_kind', detail: 'f' },
      ],
    });
    expect(timelineOf(steps).map(({ title, gapMs, gap }) => [title, gapMs, gap])).toEqual([
      ['Received', undefined, 'none'],
      ['Mapped', 3_000, 'medium'],
      ['Shown as', undefined, 'none'],
      ['Appended', undefined, 'none'],
      ['Device', undefined, 'none'],
      ['Gone', 30_000, 'long'],
      ['new_kind', undefined, 'none'],
    ]);
  });

  test.each([
    [1, 'short'],
    [100, 'medium'],
    [10_000, 'long'],
    [3_600_000, 'longest'],
  ])('a gap of %i ms is drawn %s', (ms, gap) => {
    const steps = [0, ms].map((atMs) => ({ atMs, what: 'appended', detail: '' }));
    expect(timelineOf(steps)[1]).toMatchObject({ gapMs: ms, gap });
  });

  test('a step without a time, or with none that is one, has none', () => {
    const { steps } = readExplanation({ steps: [{ what: 'queue' }, { at: 'soon', what: 'queue' }] });
    expect(timelineOf(steps).map(({ atMs }) => atMs)).toEqual([undefined, undefined]);
  });

  test('each verdict has a title, and only those who have it are good', () => {
    expect(Object.keys(verdicts).filter((verdict) => toneOf(verdict) === 'good')).toEqual([
      'delivered',
      'read',
      'archived',
    ]);
    expect(verdictTitle('not_an_audience')).toBe('Not an audience');
    expect(toneOf('waiting')).toBe('open');
  });
});

describe('queues', () => {
  const lag = { ms: 4, roundTripMs: 4, cameBackAt: null, outSince: null, failedLeg: null };
  const stateWith = (more: object) => {
    const queue = {
      queue: 'q',
      kind: 'partition',
      ready: 0,
      consumers: 1,
      takenBy: null,
      lag,
      unknown: [],
      ...more,
    };
    return readQueues({ queues: [queue] }).queues.map(stateOf);
  };

  test.each<[object, string]>([
    [{}, 'flows'],
    [{ lag: null }, 'flows'],
    [{ consumers: 0, ready: 9 }, 'untaken'],
    [{ consumers: null }, 'unknown'],
    [{ ready: null }, 'unknown'],
    [{ lag: { ...lag, ms: 64_210 } }, 'slow'],
    [{ lag: { ...lag, ms: 64_210, failedLeg: 'consumer' } }, 'stuck'],
    [{ kind: 'dead_letters', consumers: 0 }, 'rests'],
    [{ kind: 'dead_letters', ready: null }, 'unknown'],
    [{ kind: 'something new', consumers: 0 }, 'rests'],
  ])('with %j: %s', (more, state) => {
    expect(stateWith(more)).toEqual([state]);
  });

  test('what is not known has its reason', () => {
    const unknown = [{ field: 'ready', code: 'not_answered', detail: 'RabbitMQ did not answer' }];
    const [queue] = readQueues({ queues: [{ queue: 'q', kind: 'events', ready: null, unknown }] }).queues;
    if (queue === undefined) throw new Error('no queue');
    expect(queue.ready).toBeUndefined();
    expect(whyUnknown(queue, 'ready')).toEqual(unknown);
    expect(whyUnknown(queue, 'lag')).toEqual([]);
  });
});

test('a scope that is lacking is known only of a token whose scopes are', () => {
  expect(lacks(undefined, 'admin:users')).toBe(false);
  expect(lacks(['admin:read'], 'admin:users')).toBe(true);
  expect(lacks(['admin:read', 'admin:users'], 'admin:users')).toBe(false);
  expect(lacks(['admin'], 'admin:dead-letters')).toBe(false);
});

test('a moment goes into a field and comes back, to the second', () => {
  expect(momentFrom(localTime('2026-11-28T02:14:05.678Z'))).toBe('2026-11-28T02:14:05.000Z');
  expect([localTime(''), localTime('soon'), momentFrom('')]).toEqual(['', '', '']);
});

test('a problem names the scope that is lacking and the sources that are meant; a proxy’s answer names none', () => {
  const told = { code: 'ambiguous', scope: 'admin:read', sources: ['/a', '/b and /c'] };
  expect(readProblem(409, told)).toMatchObject({ status: 409, ...told });
  expect(readProblem(502, undefined)).toMatchObject({ code: 'http_502', scope: undefined, sources: [] });
  expect(notLetThrough(404)).toMatchObject({ code: 'admin_not_reached', status: 404 });
});
