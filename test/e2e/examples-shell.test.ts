/** The shell in the documents, run as it stands there, on the service in embedded mode: what it asks for happens. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { signToken } from '../../src/operate/access/tokens.ts';
import { type CarillonProcess, startCarillon } from '../support/carillon.ts';
import { connectClient } from '../support/client.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { startProgram } from '../support/program.ts';

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({});
});
afterAll(() => carillon?.stop());

async function tokenFor(user: string, claims: Record<string, unknown> = {}): Promise<string> {
  const [secret = expect.unreachable('the secret of embedded mode')] = readConfig({}).tokenKeys.secrets;
  return await signToken(secret, { sub: user, ...claims }, 600);
}

async function device(user: string) {
  const client = connectClient(carillon.url, await tokenFor(user, { departments: ['sales'] }));
  onTestFinished(() => client.close());
  await client.session();
  return client;
}

/** What the shell says of a block, with this service's addresses in place of the documents'. */
async function run(code: string) {
  const here = code
    .replaceAll('http://localhost:3000', carillon.url)
    .replaceAll('http://localhost:3001', carillon.opsUrl);
  const env = {
    TOKEN: await tokenFor('a-service', { scope: 'events:write' }),
    ADMIN_TOKEN: await tokenFor('operator', { scope: 'admin' }),
    CARILLON_URL: carillon.url,
  };
  const program = startProgram('sh', ['-ec', here], env);
  onTestFinished(() => program.stop());
  expect([await program.end(), program.lines.length > 0]).toEqual([0, true]);
  return program.lines.join('\n');
}

test.for(['README.md', 'README.zh.md'])('%s: an event over HTTP', async (file) => {
  const client = await device(file);
  const code = fencedBlock(file, 'sh', 'curl');
  // The second time is another event, and no repeat.
  for (const _ of [1, 2]) expect(await run(code)).toContain('{"accepted":1}');
  const hello = { audience: 'global', type: 'hello' };
  expect(await client.received(2)).toMatchObject([hello, hello]);
});

test.for(['README.md', 'README.zh.md'])('%s: a token of the command line', async (file) => {
  const client = connectClient(carillon.url, await run(fencedBlock(file, 'sh', 'token ada')));
  onTestFinished(() => client.close());
  expect(await client.session()).toMatchObject({ user: 'ada', departments: ['sales'] });
});

test('examples/producers/README.md: with a token of the command line', async () => {
  const client = await device('ada');
  expect(await run(fencedBlock('examples/producers/README.md', 'sh', 'send.sh'))).toBe('202 {"accepted":1}');
  expect(await client.received(1)).toMatchObject([{ data: { title: 'Hello from curl' } }]);
});

test('examples/producers/README.md: what is wrong', async () => {
  const said = (text: string) => {
    const { detail = '', ...problem } = JSON.parse(text.slice('422 '.length));
    return { status: text.slice(0, 4), detail: detail.split('…')[0], ...problem };
  };
  const shown = said(fencedBlock('examples/producers/README.md', '', '422'));
  const event = JSON.parse(readFileSync('examples/producers/curl/event.json', 'utf8'));
  const env = { TOKEN: await tokenFor('a-service', { scope: 'events:write' }), CARILLON_URL: carillon.url };
  const program = startProgram('examples/producers/curl/send.sh', [], env);
  program.write(JSON.stringify({ ...event, audience: ['nobody'] }));
  expect(await program.end()).toBe(1);
  const { detail, ...problem } = said(program.lines.join('\n'));
  expect({ ...problem, detail: detail.slice(0, shown.detail.length) }).toEqual(shown);
});

test('examples/tracing/README.md: an event of a trace', async () => {
  const client = await device('ada');
  expect(await run(fencedBlock('examples/tracing/README.md', 'sh', 'traceparent'))).toContain(
    '{"accepted":1}',
  );
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  expect(await client.received(1)).toMatchObject([{ data: { title: 'Shipped' }, traceparent: trace }]);
});

test('docs/console.md: a token for the console', async () => {
  expect(await run(fencedBlock('docs/console.md', 'sh', 'token operator'))).toMatch(
    /^[\w-]+\.[\w-]+\.[\w-]+$/,
  );
});

test('docs/admin-api.md: departments, an explanation, queues, a disconnect and the level of the log', async () => {
  const client = await device('42');
  expect(JSON.parse(await run(fencedBlock('docs/admin-api.md', 'sh', '/departments')))).toEqual({
    user: '42',
    departments: ['sales', 'north'],
  });
  expect(JSON.parse(await run(fencedBlock('docs/admin-api.md', 'sh', 'admin/explain')))).toMatchObject({
    verdict: expect.any(String),
  });
  expect(JSON.parse(await run(fencedBlock('docs/admin-api.md', 'sh', 'admin/queues')))).toMatchObject({
    queues: expect.any(Array),
  });
  const gone = new Promise((resolve) => client.socket.once('disconnect', resolve));
  expect(await run(fencedBlock('docs/admin-api.md', 'sh', 'users/42/disconnect'))).toContain('"user":"42"');
  expect(await run(fencedBlock('docs/admin-api.md', 'sh', '/log-level'))).toContain('"level":"debug"');
  await gone;
});
