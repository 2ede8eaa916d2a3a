/**
 * The programs are bundled: what is read from files is there nonetheless, stacks tell positions in the sources, and
 * tracing tools still find the packages that they patch.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { type CarillonProcess, startCarillon } from '../../support/carillon.ts';
import { cli } from '../../support/cli.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const require = createRequire(import.meta.url);
const ROOT = new URL('../../../', import.meta.url);
const PROGRAM = new URL('dist/program/', ROOT);
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')));

/** Writes the name of each package that is asked for, and of each span that is recorded. */
const PRELOAD = `
import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(\`
  import { writeSync } from 'node:fs';
  export const resolve = (name, context, next) => {
    if (/^[@a-z]/.test(name) && !/^(node|file|data):/.test(name)) writeSync(1, 'asked for ' + name + '\\\\n');
    return next(name, context);
  };
\`));
const { default: sdk } = await import('${require.resolve('@opentelemetry/sdk-trace-base')}');
const { default: { trace } } = await import('${require.resolve('@opentelemetry/api')}');
trace.setGlobalTracerProvider(new sdk.BasicTracerProvider({
  spanProcessors: [new sdk.SimpleSpanProcessor({
    export: ([span], done) => { console.log('span ' + span.name); done({ code: 0 }); },
    shutdown: async () => {},
  })],
}));
`;

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({
    NODE_OPTIONS: `--import=file://${temporaryFile('preload.mjs', PRELOAD)}`,
  });
});
afterAll(() => carillon?.stop());

const texts = async (path: string) => {
  const response = await fetch(`${carillon.url}${path}`);
  return `${response.status} ${await response.text()}`;
};

test.for([
  ['/', /<script type="module"/],
  ['/docs/', /swagger-ui/i],
  ['/docs/static/swagger-ui.css', /swagger-ui/],
  ['/docs/json', /"title":"Carillon"/],
  ['/socket.io/socket.io.js', /Socket\.IO/],
  ['/console/about', new RegExp(`"version":"${version.replaceAll('.', '\\.')}"`)],
] as const)('%s is served', async ([path, content]) => {
  const text = await texts(path);
  expect(text).toMatch(/^200 /);
  expect(text).toMatch(content);
});

test('the command line knows its version', async () => {
  expect(await cli(['--version'], {})).toMatchObject({ exitCode: 0, out: `${version}\n`, err: '' });
});

test("Redis's scripts are beside the program", () => {
  const scripts = readdirSync(new URL('src/', ROOT), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.lua'),
  );
  expect(scripts.length).toBeGreaterThan(5);
  for (const path of scripts) {
    const copy = readFileSync(new URL(basename(path), PROGRAM), 'utf8');
    expect(copy, path).toBe(readFileSync(new URL(`src/${path}`, ROOT), 'utf8'));
  }
});

test.for(['amqplib', 'ioredis', 'pino', 'socket.io'])('%s can be patched by its name', (name) => {
  expect(carillon.output).toContain(`asked for ${name}`);
});

test('an SDK that was loaded before records', async () => {
  const { token } = z
    .object({ token: z.string() })
    .parse(await (await fetch(`${carillon.url}/demo/token?user=ada`)).json());
  const event = { specversion: '1.0', id: '1', source: '/test', type: 'a.b', audience: 'user:ada' };
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  expect(response.status).toBe(202);
  await until('the span', 20_000, () => carillon.output.includes('span carillon.inbox append'));
});

test('the licences of what was bundled are there', () => {
  const text = readFileSync(new URL('LICENCES.txt', PROGRAM), 'utf8');
  for (const name of ['fastify', 'zod', 'jose', 'commander']) {
    expect(text).toMatch(new RegExp(`^${name} \\d.*, MIT\\n\\n.*(MIT|Copyright)`, 'ms'));
  }
});
