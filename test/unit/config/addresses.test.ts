/** Addresses: one that a driver would take for another place, another database or other rights is refused at the start. */
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../../src/config/config.ts';

const real = {
  AMQP_URL: 'amqp://127.0.0.1',
  REDIS_URL: 'redis://127.0.0.1',
  JWT_SECRET: 'a-secret-of-more-than-32-characters',
};

function faultOf(environment: Readonly<Record<string, string>>): string | undefined {
  try {
    readConfig({ ...real, ...environment });
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}

const REDIS_REFUSED: readonly (readonly [string, RegExp])[] = [
  ['redis://h/abc', /number of a database/],
  ['redis://h/1x', /number of a database/],
  ['redis://h/-1', /number of a database/],
  ['redis://h/1/2', /number of a database/],
  ['redis://h//1', /number of a database/],
  ['redis://h/%31', /number of a database/],
  ['redis:///path.sock', /name a host/],
  ['redis:///3', /name a host/],
  ['redis://', /name a host/],
  ['/run/redis.sock', /begin with redis/],
  ['unix:///run/redis.sock', /Unix sockets/],
  ['sentinel://h:26379/master', /redis\+sentinel/],
  ['redis+sentinel://h:26379', /name of the primary/],
  ['redis+sentinel://h:26379/', /name of the primary/],
  ['redis+sentinel:///main', /name of the primary/],
  ['redis+sentinel://a,,b/main', /name a host/],
  ['redis+sentinel://a:x/main', /name of the primary/],
  ['redis+sentinel://a/main/x', /name of the primary/],
  ['redis+sentinel://a/main/0/1', /name of the primary/],
  ['redis+sentinel://a/my main', /name of the primary/],
  ['redis+sentinel://u:p@a,u:p@b/main', /name of the primary/],
  ['redis+sentinel://a/main#x', /name of the primary/],
  ['redis+sentinel://a/main,redis+sentinel://b/main', /name of the primary/],
  ['redis+sentinel://a:0/main', /port 0/],
  ['redis+sentinel://:%fc@a/main', /percent-encoded/],
  ['redis+sentinel://u@a/main', /names a user without a password/],
  ['redis+sentinel://a/main?sentinelUsername=u', /names a user without a password/],
  ['redis+sentinel://a/main?sentinel=b', /only parameters/],
  ['redis+sentinel://a/main?sentinelPassword=a&sentinelPassword=b', /each once/],
  ['redis:h:6379', /begin with redis/],
  ['redis://h:6379:more', /must be a URL/],
  ['redis://h:0', /port 0/],
  ['redis://user#x@h', /%23/],
  ['redis://user:1?x@h', /%3F/],
  ['redis://user:12/34@h', /%2F/],
  ['redis://:a,b@h', /must be a URL/],
  ['redis://:%fc@h', /percent-encoded/],
  ['redis://password@h', /redis:\/\/:password@host/],
  ['redis://h?username=u', /redis:\/\/:password@host/],
  ['redis://:p@h?password=q', /there twice/],
  ['redis://h?password=q&password=r', /each once/],
  ['redis://h/1?db=2', /db must be/],
  ['redis://h?db=x', /db must be/],
  ['redis://h?family=5', /family/],
  ['redis://h?keyPrefix=x', /only parameters/],
  ['redis://h?tls=true', /only parameters/],
  ['redis://h?commandTimeout=9', /only parameters/],
  ['redis://h?ssl_cert_reqs=none', /only parameters/],
  ['redis://a,rediss://b', /all begin/],
  ['redis://a/0,redis://b/1', /database 0 only/],
  ['redis://a/1,redis://b/1', /database 0 only/],
  ['redis://:p@a,redis://:q@b', /all have the user name/],
  ['redis://a,redis://:q@b', /all have the user name/],
  ['redis://a?db=1,redis://b', /no parameters/],
];

describe('REDIS_URL', () => {
  test.each(REDIS_REFUSED)('%s is refused', (url, reason) => {
    const fault = faultOf({ REDIS_URL: url });
    expect(fault).toMatch(/has 1 fault\(s\):\n {2}- REDIS_URL: /);
    expect(fault).toMatch(reason);
  });

  test.each([
    ['redis://h/1', /database 0 only/],
    ['redis://h?db=1', /no parameters/],
    ['redis+sentinel://h/main', /no Cluster/],
  ])('%s is refused as the entry to a Cluster', (url, reason) => {
    expect(faultOf({ REDIS_URL: url, REDIS_CLUSTER: 'true' })).toMatch(reason);
  });

  test.each([
    'redis://h',
    'redis://h/',
    'redis://h:1/15',
    'redis://:p%2F%3F%23@h/0',
    'redis://user:p@h',
    'rediss://h?family=6',
    'redis://h?db=3&password=p',
    'redis://[::1]:6379/2',
    'redis://u:p@a:1,redis://b:2, redis://u:p@c',
  ])('%s is taken as it is', (url) => {
    expect(faultOf({ REDIS_URL: url })).toBeUndefined();
  });

  test('Sentinels are read with their ports, the name of the primary and both logins', () => {
    const url =
      'REDISS+sentinel://u:p%2F@s1, s2:5,[::1]:6/my-main.1/3?sentinelUsername=w&sentinelPassword=%40';
    expect(readConfig({ ...real, REDIS_URL: url }).backends?.redis).toEqual({
      kind: 'sentinel',
      sentinels: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 5 },
        { host: '::1', port: 6 },
      ],
      primary: 'my-main.1',
      database: 3,
      login: { username: 'u', password: 'p/' },
      sentinelLogin: { username: 'w', password: '@' },
      isTls: true,
      tls: {},
    });
  });

  test('begins with small letters for a driver that looks for TLS in no others', () => {
    const { backends } = readConfig({ ...real, REDIS_URL: 'REDISS://h:6380' });
    expect(backends?.redis).toMatchObject({ kind: 'standalone', url: 'rediss://h:6380' });
  });

  test('REDIS_CLUSTER is of no use without it', () => {
    expect(() => readConfig({ REDIS_CLUSTER: 'true' })).toThrow(/REDIS_CLUSTER: is true while REDIS_URL/);
  });
});

describe('AMQP_URL', () => {
  test.each([
    ['amqp:///vhost', /name a host/],
    ['amqp://', /name a host/],
    ['amqp:h', /begin with/],
    ['amqp://a,b:5672', /one host a URL/],
    ['amqp://a,', /one host a URL/],
    ['amqp://a,,amqp://b', /one host a URL/],
    [',amqp://a', /must be a URL/],
    ['amqp://a,amqps://b', /all begin/],
    ['amqp://u:p@a,amqp://u:q@b', /user name and the password of the first/],
    ['amqp://a,amqp://u:q@b', /user name and the password of the first/],
    ['amqp://a/v,amqp://b/w', /virtual host of the first/],
    ['amqp://a,amqp://b/v', /virtual host of the first/],
    ['amqp://a?heartbeat=5,amqp://b?heartbeat=6', /parameters of the first/],
    ['amqp://a,amqp://b:0', /port 0/],
    ['amqp://h/..', /may not be named/],
    ['amqp://h/%2e', /may not be named/],
    ['amqp://h?auth_mechanism=external', /amqps/],
    ['amqps://u:p@h?auth_mechanism=external', /leave out user name/],
    ['amqps://h?auth_mechanism=amqplain', /plain or external/],
    ['amqps://h?auth_mechanism=external', /AMQP_CERT_FILE/],
    ['amqp://h/a/b', /virtual host/],
    ['amqp://h///', /virtual host/],
    ['amqp://h/%zz', /virtual host/],
    ['amqp://u:1/2@h', /%2F/],
    ['amqp://h:0', /port 0/],
    ['amqp://u#p@h', /%23/],
    ['amqp://u:%fc@h', /percent-encoded/],
    ['amqp://h?heartbeat=soon', /heartbeat must/],
    ['amqp://h?frameMax=12', /frameMax must/],
    ['amqp://h?heartbeat=1&heartbeat=2', /each once/],
    ['amqp://h?verify=verify_none', /only parameters/],
    ['amqps://h?cacertfile=x', /only parameters/],
  ])('%s is refused', (url, reason) => {
    const fault = faultOf({ AMQP_URL: url });
    expect(fault).toMatch(/has 1 fault\(s\):\n {2}- AMQP_URL: /);
    expect(fault).toMatch(reason);
  });

  test.each([
    'amqp://h',
    'amqp://h/',
    'amqp://h//',
    'amqp://h/%2F',
    'amqp://h/a%2Fb',
    'amqp://h/l%C3%A4ger',
    'amqp://h/läger..',
    'amqp://u:p@a:1/v?heartbeat=5, amqp://b:2,amqp://u:p@c/v,amqp://[::1]/?heartbeat=5',
    'amqp://h?auth_mechanism=plain',
    'amqp://u:1,2@h/a,b',
    'AMQPS://u:p%2F@h:5671/v?heartbeat=0&frameMax=8192&locale=en_US',
  ])('%s is taken as it is', (url) => {
    expect(faultOf({ AMQP_URL: url })).toBeUndefined();
  });
});

test('JWKS_URL holds no password, which would not be sent', () => {
  const { JWT_SECRET: _, ...keyless } = real;
  expect(() => readConfig({ ...keyless, JWKS_URL: 'https://u:p@id.example' })).toThrow(
    /JWKS_URL: may hold no/,
  );
});

describe('ALLOWED_ORIGINS', () => {
  test.each([
    'https://a.example/',
    'a.example',
    'https://A.example',
    'https://a.example:443',
    'https://*.example',
    '*,https://a.example',
    'https://a.example/path',
  ])('%s is refused: no browser sends it', (origins) => {
    expect(faultOf({ ALLOWED_ORIGINS: origins })).toMatch(/- ALLOWED_ORIGINS: /);
  });

  test.each(['*', 'null', 'https://a.example,http://localhost:8080', 'capacitor://localhost'])(
    '%s is taken as it is',
    (origins) => {
      expect(faultOf({ ALLOWED_ORIGINS: origins })).toBeUndefined();
    },
  );
});

test('no part of an address is in a message', () => {
  const urls = [...REDIS_REFUSED.map(([url]) => url), 'redis://hunter2@h', 'redis://u:hunter2/3@h'];
  for (const url of urls) {
    const [, ...message] = (faultOf({ REDIS_URL: url.replaceAll('more', 'hunter2') }) ?? '').split(
      'REDIS_URL: ',
    );
    expect(message.join()).not.toContain('hunter2');
  }
});
