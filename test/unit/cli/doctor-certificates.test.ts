/** The doctor on certificates in files, and on what TLS says when it refuses one. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { examineCertificates, tlsChangeFor } from '../../../src/cli/doctor-certificates.ts';
import { readConfig } from '../../../src/config/config.ts';
import { certificate } from '../../support/certificates.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

interface Made {
  readonly cert: string;
  readonly key: string;
}

/** Signed by itself, valid for these days from now on; negative: until that many days ago. */
function made(days: number, subject = 'server'): Made {
  const [key, cert] = [temporaryFile('key.pem', ''), temporaryFile('cert.pem', '')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  // openssl of Debian 12 takes no end in the past for `req`, but one for `x509`.
  execFileSync(
    'openssl',
    [...request, '-subj', `/CN=${subject}`, '-days', '1', '-keyout', key, '-out', cert],
    {
      stdio: 'ignore',
    },
  );
  const renewed = ['x509', '-in', cert, '-signkey', key, '-days', String(days), '-out', cert];
  execFileSync('openssl', renewed, { stdio: 'ignore' });
  return { cert, key };
}

const examine = (variables: Readonly<Record<string, string>>) => {
  const { backends } = readConfig({
    AMQP_URL: 'amqps://127.0.0.1',
    REDIS_URL: 'rediss://127.0.0.1',
    JWT_SECRET: 'x'.repeat(32),
    ...variables,
  });
  if (backends === undefined) throw new Error('no backends');
  return [...examineCertificates(backends, variables)];
};

const joined = (...files: readonly string[]) =>
  temporaryFile('joined.pem', files.map((file) => readFileSync(file, 'utf8')).join('\n'));

test('one that is valid, one that ends soon, one that has expired', () => {
  const [expired, soon] = [made(-1, 'old'), made(5, 'soon')];
  expect(
    examine({
      AMQP_CA_FILE: certificate('ca.pem'),
      AMQP_CERT_FILE: expired.cert,
      AMQP_KEY_FILE: expired.key,
      REDIS_CA_FILE: soon.cert,
    }),
  ).toMatchObject([
    { check: 'certificates AMQP_CA_FILE', verdict: 'ok' },
    {
      check: 'certificates AMQP_CERT_FILE',
      verdict: 'wrong',
      found: expect.stringMatching(/^CN=old has expired on /),
      change: expect.stringContaining('replace it in the file'),
    },
    {
      check: 'certificates REDIS_CA_FILE',
      verdict: 'advice',
      found: expect.stringMatching(/^CN=soon is valid until /),
    },
  ]);
});

test('of several authorities one is enough, and of a chain each is needed', () => {
  const [expired, valid] = [made(-1), made(100)];
  const chain = joined(valid.cert, expired.cert);
  expect(
    examine({
      AMQP_CA_FILE: joined(expired.cert, valid.cert),
      AMQP_CERT_FILE: chain,
      AMQP_KEY_FILE: valid.key,
    }),
  ).toMatchObject([
    { check: 'certificates AMQP_CA_FILE', verdict: 'ok' },
    { check: 'certificates AMQP_CERT_FILE', verdict: 'wrong' },
  ]);
});

test('what Node itself trusts besides', () => {
  expect(examine({ NODE_EXTRA_CA_CERTS: certificate('ca.pem') })).toMatchObject([{ verdict: 'ok' }]);
  expect(examine({ NODE_EXTRA_CA_CERTS: '' })).toEqual([]);
  for (const file of ['/nowhere', '/', temporaryFile('ca.pem', 'nothing')]) {
    expect(examine({ NODE_EXTRA_CA_CERTS: file })).toMatchObject([
      { check: 'certificates NODE_EXTRA_CA_CERTS', verdict: 'wrong' },
    ]);
  }
});

/** Why Node does not connect to a server with this certificate. */
async function reasonOf({ cert, key }: Made, ca: string, host: string): Promise<string> {
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
  onTestFinished(() => void server.close());
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server without a port');
  const socket = connect({ port: address.port, host: '127.0.0.1', servername: host, ca: readFileSync(ca) });
  const [error] = await once(socket, 'error');
  return error instanceof Error ? error.message : String(error);
}

test('what TLS refuses has its remedy, in the words of the Node that runs', async () => {
  const ours = { cert: certificate('server.pem'), key: certificate('server.key') };
  const expired = made(-1, 'localhost');
  const ca = certificate('ca.pem');
  expect(tlsChangeFor(await reasonOf(ours, ca, 'other.example'), 'AMQP')).toContain(
    'name a host in AMQP_URL',
  );
  expect(tlsChangeFor(await reasonOf(expired, expired.cert, 'localhost'), 'REDIS')).toContain('renewed');
  expect(tlsChangeFor(await reasonOf(ours, certificate('stranger.pem'), 'localhost'), 'REDIS')).toContain(
    'set REDIS_CA_FILE',
  );
  expect(tlsChangeFor('connect ECONNREFUSED 127.0.0.1:1', 'AMQP')).toBeUndefined();
});
