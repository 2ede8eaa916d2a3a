/** Ids, titles and reasons that strangers chose, on their way to an operator's terminal: they arrive, and move nothing. */
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { cli, startCli } from '../../support/cli.ts';
import { madeEvent } from '../../support/producer.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { UNSEEN } from '../../support/unseen.ts';
import { until } from '../../support/until.ts';

/** Clears the screen, sets the title, turns the text, hides something, and ends the line to begin one of its own. */
const HOSTILE = 'x\u001b[2J\u001b]0;t\u0007\u009b31m\u202eevil\u2066\u200b\u{e0041}\u2028\nok  all is well';
const ID = 'a'.repeat(43);

const expectHarmless = (text: string) => expect(text.replaceAll('\n', '')).not.toMatch(UNSEEN);

describe('whatever a service answers,', () => {
  let service: Server;
  let env: Record<string, string>;
  let answer: { readonly status: number; readonly body: unknown };
  beforeAll(async () => {
    service = createServer((_request, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    const address = service.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    env = { CARILLON_URL: url, CARILLON_OPS_URL: url, CARILLON_TOKEN: 'a-token' };
  });
  afterAll(() => service.close());

  const deadLetter = {
    id: ID,
    reason: HOSTILE,
    detail: HOSTILE,
    type: HOSTILE,
    source: HOSTILE,
    event: HOSTILE,
    path: HOSTILE,
    time: HOSTILE,
    copies: 1,
    bytes: 2,
    body: JSON.stringify({ [HOSTILE]: HOSTILE }),
    isCut: false,
    headers: { routingKey: HOSTILE, contentType: HOSTILE, dropped: HOSTILE },
  };
  const step = { at: HOSTILE, what: HOSTILE, detail: HOSTILE };
  const explanation = { verdict: HOSTILE, message: HOSTILE, steps: [step, step] };
  const health = { status: HOSTILE, parts: { [HOSTILE]: { ok: false, reason: HOSTILE } } };
  const page = { deadLetters: [deadLetter], matched: 1, scanned: 1, isPartial: false };

  test.for<[string, readonly string[], unknown]>([
    ['explain', ['explain', 'e', 'u'], explanation],
    ['dead-letters list', ['dead-letters', 'list'], page],
    ['dead-letters show', ['dead-letters', 'show', ID], deadLetter],
    ['doctor', ['doctor'], health],
  ])('%s prints no more than text', { timeout: 120_000 }, async ([, args, body]) => {
    for (const more of [[], ['--json']]) {
      answer = { status: 200, body };
      const ran = await cli([...args, ...more], env);
      expectHarmless(ran.out + ran.err);
      expect(ran.out + ran.err).toContain('evil');
      if (more.length === 0) expect(ran.out).not.toMatch(/^ok {2}all is well/m);
      if (args[0] === 'explain' && more.length > 0) expect(JSON.parse(ran.out)).toEqual(body);
      answer = { status: 404, body: { code: HOSTILE, detail: HOSTILE } };
      const failed = await cli([...args, ...more], env);
      expect(failed.exitCode).toBe(1);
      expectHarmless(failed.out + failed.err);
    }
  });

  test('neither does a command that is called in a wrong way', { timeout: 120_000 }, async () => {
    const ran = await cli(['explain', `--${HOSTILE}`], env);
    expect(ran.exitCode).toBe(2);
    expectHarmless(ran.out + ran.err);
    expect(ran.err).toContain('evil');
  });
});

describe('a service that hostile events come to', () => {
  let carillon: CarillonProcess;
  beforeAll(async () => {
    carillon = await startCarillon({ JWT_SECRET, LOG_SAMPLE_RATE: '1' });
  });
  afterAll(() => carillon.stop());

  test('hands them to a watcher, to administration and to its log without what a terminal obeys', {
    timeout: 120_000,
  }, async () => {
    const env = { CARILLON_URL: carillon.url, CARILLON_OPS_URL: carillon.opsUrl, JWT_SECRET };
    const args = ['watch', 'user:42', '--count', '1'];
    const watchers = await Promise.all([startCli(args, env), startCli([...args, '--json'], env)]);
    await until('both to be connected', 20_000, () =>
      watchers.every((one) => one.errors().includes('connected as 42')),
    );
    const event = { ...madeEvent('e', { audience: 'user:42' }), id: HOSTILE, data: { title: HOSTILE } };
    const sent = await fetch(`${carillon.url}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await tokenFor('p', { scope: 'events:write' })}`,
        'content-type': 'application/cloudevents+json',
      },
      body: JSON.stringify(event),
    });
    const told = await sent.text();
    expectHarmless(told);
    if (sent.status === 202) {
      for (const { out, err } of await Promise.all(watchers.map(({ ended }) => ended))) {
        expectHarmless(out + err);
        expect(out).toContain('evil');
      }
    } else for (const watcher of watchers) watcher.signal('SIGTERM');
    const admin = `Bearer ${await tokenFor('operator', { scope: 'admin' })}`;
    const query = new URLSearchParams({ event: HOSTILE, user: '42' });
    const explained = await fetch(`${carillon.opsUrl}/admin/explain?${query}`, {
      headers: { authorization: admin },
    });
    expectHarmless(await explained.text());
    const head = 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: 127.0.0.1\r\n';
    await sendRaw(carillon.url, Buffer.from(`${head}origin: http://\x9b31mevil\r\n\r\n`, 'latin1'));
    await expect.poll(() => carillon.output.some((line) => line.includes('connection refused'))).toBe(true);
    expectHarmless(carillon.output.join('\n'));
  });
});
