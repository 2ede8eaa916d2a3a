/** The doctor on files that the configuration names: each fault is one that no process starts with. */
import { describe, expect, test } from 'vitest';
import { examineConfiguration } from '../../../src/cli/doctor-configuration.ts';
import { readConfig } from '../../../src/config/config.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

const SERVERS = {
  AMQP_URL: 'amqp://127.0.0.1',
  REDIS_URL: 'redis://127.0.0.1',
  JWT_SECRET: 'x'.repeat(32),
};

const examine = (variables: Readonly<Record<string, string>>) => [
  ...examineConfiguration(readConfig({ ...SERVERS, ...variables })),
];

const GOOD = {
  ROUTES_FILE: 'routes:\n  - type: a.b\n    audience: [global]\n  - type: c.*\n    audience: [global]\n',
  SOURCES_FILE: 'sources:\n  - queue: a\n  - exchange: b\n    keys: [c]\n',
};
const FAULT_IN_LINE_7 = {
  ROUTES_FILE: `${GOOD.ROUTES_FILE}  # six\n  - type: d..e\n    audience: [global]\n`,
  SOURCES_FILE: `${GOOD.SOURCES_FILE}    # five\n  - exchange: d\n    keys: 7\n`,
};

const fileWith = (content: string): string => temporaryFile('a.yaml', content);

describe.each(['ROUTES_FILE', 'SOURCES_FILE'] as const)('%s', (name) => {
  test.for<[string, () => string, RegExp, RegExp]>([
    ['is not there', () => '/nowhere/a.yaml', /ENOENT/, /let the process read/],
    ['is a folder', () => '/', /EISDIR/, /let the process read/],
    ['is no YAML', () => fileWith('a: [b\nc: }'), /a\.yaml:\d+: /, /in these lines/],
    ['is empty', () => fileWith(''), /a\.yaml:1: must be a mapping/, /in these lines/],
    ['has a fault in line 7', () => fileWith(FAULT_IN_LINE_7[name]), /a\.yaml:7: /, /in these lines/],
  ])('%s: wrong', ([, path, found, change]) => {
    expect(examine({ [name]: path() })).toEqual([
      {
        check: 'configuration',
        verdict: 'wrong',
        found: expect.stringMatching(new RegExp(`^${name}: [^]*${found.source}`)),
        change: expect.stringMatching(change),
      },
    ]);
  });

  test('is good: how many entries it has', () => {
    expect(examine({ [name]: fileWith(GOOD[name]) })).toEqual([
      {
        check: 'configuration',
        verdict: 'ok',
        found: expect.stringMatching(new RegExp(`, 2 (routes|sources) in ${name}$`)),
      },
    ]);
  });
});

test('both are wrong: each is named', () => {
  const found = examine({ ROUTES_FILE: '/nowhere/r', SOURCES_FILE: '/nowhere/s' });
  expect(found.map(({ verdict }) => verdict)).toEqual(['wrong', 'wrong']);
  expect(found.map((finding) => finding.found.split(':')[0])).toEqual(['ROUTES_FILE', 'SOURCES_FILE']);
});

test('nothing that was not looked at is called complete', () => {
  expect(examine({})).toEqual([
    { check: 'configuration', verdict: 'ok', found: 'the variables are well-formed' },
  ]);
});
