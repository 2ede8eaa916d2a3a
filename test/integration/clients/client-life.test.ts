/** The client library against a scripted server: fresh tokens, and its end. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Bench, HOUR_MS, never, notification, soon, tokenOf } from '../../support/scripted-server.ts';

let bench: Bench;
let server: Bench['server'];
let open: Bench['open'];
let connected: Bench['connected'];

beforeEach(async () => {
  bench = new Bench();
  ({ server, open, connected } = bench);
  await server.start();
});

afterEach(() => bench.close());

describe('a fresh token', () => {
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

  test('is presented before the old one ends, and again before the fresh one does', async () => {
    server.session = { expiresAt: inMs(100_000) };
    server.answers.authenticate = () => ({
      expiresAt: inMs(server.asked('authenticate').length === 1 ? 50_000 : HOUR_MS),
    });
    const { client } = await connected({
      token: () => tokenOf(`ada${server.handshakes.length + server.asked('authenticate').length}`),
    });
    await soon(() => expect(server.asked('authenticate')).toHaveLength(2));
    expect(server.asked('authenticate')).toEqual([{ token: tokenOf('ada1') }, { token: tokenOf('ada2') }]);
    expect([client.state.status, server.sockets.length]).toEqual(['connected', 1]);
  });

  test('that cannot be had or is refused leaves the connection as it is, and is tried again', async () => {
    server.session = { expiresAt: inMs(10_000) };
    server.answers.authenticate = () =>
      server.asked('authenticate').length === 1
        ? { error: { code: 'unauthorized', message: 'no' } }
        : { expiresAt: inMs(HOUR_MS) };
    const token = vi.fn(() => tokenOf('ada')).mockImplementationOnce(() => tokenOf('ada'));
    const { client, told } = await connected({ token });
    token.mockImplementationOnce(() => {
      throw new Error('offline');
    });
    await soon(() => expect(server.asked('authenticate')).toHaveLength(2));
    expect(told).toEqual(['connected', 'error token_failed', 'error unauthorized']);
    expect([client.state.status, server.sockets.length]).toEqual(['connected', 1]);
  });
});

describe('close', () => {
  test.for(['connecting', 'connected', 'waiting'] as const)(
    'leaves nothing behind while %s',
    async (status) => {
      const closed: string[] = [];
      const openChannel = () => ({
        onmessage: null,
        postMessage: () => {},
        close: () => void closed.push('channel'),
      });
      let release = (_: string) => {};
      const token = () =>
        status === 'connecting' ? new Promise<string>((resolve) => (release = resolve)) : tokenOf('ada');
      const { client, told, timers } = open({ token }, { openChannel });
      if (status !== 'connecting') await soon(() => expect(client.state.status).toBe('connected'));
      client.on('toast', () => {});
      const asked: Promise<unknown>[] = [];
      if (status === 'connected') {
        server.answers.mark = () => never;
        server.socket.emit(
          'notification',
          notification(1, { expirytime: new Date(Date.now() + HOUR_MS).toISOString() }),
        );
        await soon(() => expect(told).toContain('e1'));
        asked.push(client.inbox.markSeen('all'));
      }
      if (status === 'waiting') {
        server.socket.emit('goaway', { code: 'unavailable', reconnect: true, retryAfterMs: HOUR_MS });
        await soon(() => expect(client.state.status).toBe('waiting'));
        asked.push(client.inbox.refresh(), client.subscribe('x'));
      }
      client.close();
      client.close();
      release(tokenOf('ada'));
      const codes = await Promise.all(asked.map((promise) => promise.catch(({ code }) => code)));
      expect(codes).toEqual(asked.map(() => 'closed'));
      await soon(() => expect(server.sockets.every(({ connected }) => !connected)).toBe(true));
      expect(client.state).toEqual({ status: 'closed', reason: 'closed' });
      expect(told.filter((text) => /^(closed|error)/.test(text))).toEqual(['closed closed']);
      expect([timers.size, closed]).toEqual([0, status === 'connecting' ? [] : ['channel']]);
      await connected({ device: 'other' });
      expect(server.handshakes.map(({ device }) => device)).toEqual(
        status === 'connecting' ? ['other'] : [undefined, 'other'],
      );
    },
  );
});
