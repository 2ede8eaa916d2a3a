/** Certificates from files: which are refused at the start, and that a replaced one counts at once. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { tlsOptionsOf } from '../../../src/config/tls-files.ts';
import { certificate } from '../../support/certificates.ts';

const real = {
  AMQP_URL: 'amqp://127.0.0.1',
  REDIS_URL: 'rediss://127.0.0.1',
  JWT_SECRET: 'a-secret-of-more-than-32-characters',
};

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carillon-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each<[Record<string, string>, RegExp]>([
  [{ REDIS_CA_FILE: '/nowhere/ca.pem' }, /- REDIS_CA_FILE: ENOENT: .*\/nowhere\/ca\.pem/],
  [{ REDIS_CA_FILE: certificate('make') }, /- REDIS_CA_FILE: .*PEM/],
  [
    { REDIS_CERT_FILE: certificate('client.pem') },
    /- REDIS_CERT_FILE: the certificate and its key are set together/,
  ],
  [
    { REDIS_CERT_FILE: certificate('client.pem'), REDIS_KEY_FILE: certificate('server.key') },
    /- REDIS_CERT_FILE, REDIS_KEY_FILE: .*key values mismatch/,
  ],
  [
    { REDIS_URL: 'redis://127.0.0.1', REDIS_CA_FILE: certificate('ca.pem') },
    /- REDIS_CA_FILE: is set while REDIS_URL does not begin with rediss:\/\//,
  ],
  [
    { AMQP_CA_FILE: certificate('ca.pem') },
    /- AMQP_CA_FILE: is set while AMQP_URL does not begin with amqps:\/\//,
  ],
  [{ AMQP_URL: 'amqps://h', AMQP_CA_FILE: certificate('make') }, /- AMQP_CA_FILE: .*PEM/],
  [
    { AMQP_URL: 'amqps://h', AMQP_KEY_FILE: certificate('client.key') },
    /- AMQP_KEY_FILE: the certificate and its key are set together/,
  ],
  [
    { AMQP_URL: 'amqps://h?auth_mechanism=external', AMQP_CA_FILE: certificate('ca.pem') },
    /- AMQP_URL: auth_mechanism=external needs the certificate in AMQP_CERT_FILE/,
  ],
])('%o is refused at the start', (environment, fault) => {
  expect(() => readConfig({ ...real, ...environment })).toThrow(fault);
});

test.each(['rediss://h', 'rediss+sentinel://h/main', 'rediss://a,rediss://b'])('%s takes them', (url) => {
  const files = {
    REDIS_CA_FILE: certificate('ca.pem'),
    REDIS_CERT_FILE: certificate('client.pem'),
    REDIS_KEY_FILE: certificate('client.key'),
  };
  expect(readConfig({ ...real, REDIS_URL: url, ...files }).backends?.redis.tls).toEqual({
    caFile: files.REDIS_CA_FILE,
    certFile: files.REDIS_CERT_FILE,
    keyFile: files.REDIS_KEY_FILE,
  });
});

test('AMQP_URL takes them', () => {
  const files = {
    AMQP_CA_FILE: certificate('ca.pem'),
    AMQP_CERT_FILE: certificate('client.pem'),
    AMQP_KEY_FILE: certificate('client.key'),
  };
  const AMQP_URL = 'amqps://a?auth_mechanism=external, amqps://b';
  expect(readConfig({ ...real, AMQP_URL, ...files }).backends?.amqp).toMatchObject({
    isExternal: true,
    tls: { caFile: files.AMQP_CA_FILE, certFile: files.AMQP_CERT_FILE, keyFile: files.AMQP_KEY_FILE },
  });
});

test('a replaced file counts at the next connection, and one that is away for a moment is as it was', () => {
  const caFile = join(folder, 'ca.pem');
  copyFileSync(certificate('stranger.pem'), caFile);
  const options = tlsOptionsOf({ caFile });
  // As ioredis takes them over for each connection.
  const ca = () => Object.assign({}, options).ca;
  expect(ca()).toBe(readFileSync(certificate('stranger.pem'), 'utf8'));
  rmSync(caFile);
  expect(ca()).toBe(readFileSync(certificate('stranger.pem'), 'utf8'));
  writeFileSync(caFile, readFileSync(certificate('ca.pem')));
  expect(ca()).toBe(readFileSync(certificate('ca.pem'), 'utf8'));
  expect('cert' in options).toBe(false);
});
