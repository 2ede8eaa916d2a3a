/** The client's requests: what is asked again, what is not, and what close does to those that wait. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { environment } from '../../../../src/clients/client/environment.ts';
import { Requests } from '../../../../src/clients/client/requests.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failed = (code: string) => ({ error: { code, message: 'why' } });
const answered = { audience: 'topic:x' };

function setup() {
  const send = vi.fn(async () =>
    JSON.parse('{"error":{"code":"bad_request","message":"nothing was to be sent"}}'),
  );
  const sent = (answers: readonly unknown[]) => {
    for (const answer of answers) {
      send.mockImplementationOnce(async () => {
        if (answer instanceof Error) throw answer;
        return answer;
      });
    }
  };
  return { send, sent, requests: new Requests(environment(), send, vi.fn()) };
}

const ask = (requests: Requests) => requests.askUntilAnswered('unsubscribe', () => ({ topic: 'x' }));

test('an error is an exception with its code', async () => {
  const { requests, sent } = setup();
  requests.open();
  sent([failed('forbidden')]);
  await expect(requests.ask('unsubscribe', { topic: 'x' })).rejects.toMatchObject({
    code: 'forbidden',
    message: 'unsubscribe: why',
  });
});

test('asking once without a connection, or without an answer, says so', async () => {
  const { requests, sent } = setup();
  await expect(requests.ask('unsubscribe', { topic: 'x' })).rejects.toMatchObject({ code: 'no_answer' });
  requests.open();
  sent([new Error('operation has timed out')]);
  await expect(requests.ask('unsubscribe', { topic: 'x' })).rejects.toMatchObject({ code: 'no_answer' });
});

describe('asking until there is an answer', () => {
  test('waits for a session, and comes again after errors that pass', async () => {
    const { requests, send, sent } = setup();
    const answer = ask(requests);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(send).toHaveBeenCalledTimes(0);
    sent([failed('unavailable'), new Error('operation has timed out'), answered]);
    requests.open();
    await vi.runAllTimersAsync();
    expect(await answer).toEqual(answered);
    expect(send).toHaveBeenCalledTimes(3);
  });

  test('goes on in the next session when the connection is lost under it', async () => {
    const { requests, send, sent } = setup();
    requests.open();
    send.mockImplementationOnce(async () => {
      requests.suspend();
      throw new Error('socket has been disconnected');
    });
    const answer = ask(requests);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([send.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
    sent([answered]);
    requests.open();
    expect(await answer).toEqual(answered);
  });

  test.for(['bad_request', 'forbidden', 'unknown_request', 'not_subscribed'])(
    'ends with %s',
    async (code) => {
      const { requests, sent } = setup();
      requests.open();
      sent([failed(code)]);
      await expect(ask(requests)).rejects.toMatchObject({ code });
    },
  );
});

test('close rejects what waits, for a session or a pause, and leaves no timer', async () => {
  const { requests, sent } = setup();
  const early = ask(requests);
  requests.open();
  sent([failed('unavailable')]);
  const outcomes = [early, ask(requests)].map((asked) => asked.catch(({ code }) => code));
  sent([failed('unavailable')]);
  await vi.advanceTimersByTimeAsync(0);
  requests.close();
  expect(await Promise.all([...outcomes, ask(requests).catch(({ code }) => code)])).toEqual([
    'closed',
    'closed',
    'closed',
  ]);
  expect(vi.getTimerCount()).toBe(0);
});
