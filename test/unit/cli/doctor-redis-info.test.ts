/** The doctor on what a Redis says of itself: versions and services that the tests do not run. */
import { expect, test } from 'vitest';
import { infoFindings, parseInfo } from '../../../src/cli/doctor-redis-info.ts';

const GOOD = {
  redis_version: '7.0.15',
  role: 'master',
  aof_enabled: '1',
  aof_last_write_status: 'ok',
  rdb_last_bgsave_status: 'ok',
  maxmemory: '1000000',
  maxmemory_human: '976K',
  maxmemory_policy: 'noeviction',
  used_memory_human: '1M',
  connected_slaves: '2',
};

function findings(changed: Readonly<Record<string, string | undefined>>, leastReplicas = 1) {
  const lines = Object.entries({ ...GOOD, ...changed })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}:${value}`);
  return infoFindings(parseInfo(['# All', ...lines].join('\r\n')), leastReplicas);
}

test('one that is well', () => {
  expect(findings({}).map(({ check, verdict }) => `${verdict} ${check}`)).toEqual([
    'ok version',
    'ok role',
    'ok persistence',
    'ok memory',
    'ok replicas',
  ]);
  expect(findings({}, 0).map(({ check }) => check)).not.toContain('replicas');
});

test.for<[string, Readonly<Record<string, string | undefined>>, string, RegExp, RegExp]>([
  ['an old one', { redis_version: '6.2.14' }, 'wrong version', /6\.2\.14/, /upgrade to Redis 7\.0/],
  [
    'a replica',
    { role: 'slave', master_host: 'r1', master_port: '1' },
    'wrong role',
    /of r1:1/,
    /name the primary/,
  ],
  ['no log', { aof_enabled: '0' }, 'wrong persistence', /appendonly no/, /CONFIG SET appendonly yes/],
  ['a full disk', { aof_last_write_status: 'err' }, 'wrong persistence', /last write/, /disk/],
  ['no snapshot', { rdb_last_bgsave_status: 'err' }, 'advice persistence', /snapshot: err/, /bgsave/],
  ['one that loads', { loading: '1' }, 'wrong persistence', /loading/, /wait/],
  ['one that evicts', { maxmemory_policy: 'volatile-ttl' }, 'wrong memory', /volatile-ttl/, /noeviction/],
  ['no limit', { maxmemory: '0' }, 'advice memory', /no limit/, /set maxmemory/],
  ['too few replicas', { connected_slaves: '0' }, 'wrong replicas', /0 connected/, /add replicas/],
  ['just enough replicas', { connected_slaves: '1' }, 'advice replicas', /1 connected/, /add a replica/],
])('%s', ([, changed, what, found, change]) => {
  const bad = findings(changed).filter(({ verdict }) => verdict !== 'ok');
  expect(bad.map(({ check, verdict }) => `${verdict} ${check}`)).toEqual([what]);
  expect(bad[0]).toMatchObject({
    found: expect.stringMatching(found),
    change: expect.stringMatching(change),
  });
});

test.for([
  ['redis_version', 'version'],
  ['role', 'role'],
  ['aof_enabled', 'persistence'],
  ['maxmemory', 'memory'],
  ['maxmemory_policy', 'memory'],
  ['connected_slaves', 'replicas'],
] as const)('a service that hides %s: %s is unknown, and not ok', ([field, check]) => {
  const bad = findings({ [field]: undefined }).filter(({ verdict }) => verdict !== 'ok');
  expect(bad).toMatchObject([{ check, verdict: 'unknown', found: expect.stringContaining(field) }]);
});
