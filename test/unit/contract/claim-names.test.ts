/** Where a claim is found: its own name, a path, an URL with dots; nothing that a prototype has. */
import { describe, expect, test } from 'vitest';
import { claimIn, DEFAULT_CLAIM_NAMES, namedAs } from '../../../src/contract/claim-names.ts';
import { isJsonObject } from '../../../src/contract/json.ts';
import fc from '../../support/fast-check.ts';

const parsed = (json: string) => {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error('no object');
  return value;
};

describe('claimIn', () => {
  test.for<[string, string, unknown]>([
    ['{"a":1}', 'a', 1],
    ['{"a":{"b":{"c":[1]}}}', 'a.b.c', [1]],
    ['{"a.b":1,"a":{"b":2}}', 'a.b', 1],
    ['{"a.b":{"c":1},"a":{"b":{"c":2}}}', 'a.b.c', 1],
    ['{"a.b":{"x":1},"a":{"b":{"c":2}}}', 'a.b.c', 2],
    ['{"resource_access":{"my.app":{"roles":["r"]}}}', 'resource_access.my.app.roles', ['r']],
    ['{"https://example.com/x.y":7}', 'https://example.com/x.y', 7],
    ['{"https://example.com/claims":{"departments":["a"]}}', 'https://example.com/claims.departments', ['a']],
    ['{"https://example":{"com/x":1}}', 'https://example.com/x', 1],
    ['{"a":null}', 'a', null],
    ['{"a":[{"b":1}]}', 'a.b', undefined],
    ['{"a":"text"}', 'a.length', undefined],
    ['{"a":[1]}', 'a.0', undefined],
    ['{}', 'constructor', undefined],
    ['{}', 'constructor.name', undefined],
    ['{}', '__proto__', undefined],
    ['{"a":{}}', 'a.__proto__', undefined],
    ['{"a":{}}', 'a.toString', undefined],
    ['{"__proto__":{"b":1}}', 'b', undefined],
    ['{"__proto__":{"b":1}}', '__proto__.b', 1],
    ['{"a":{"__proto__":{"b":1}}}', 'a.b', undefined],
  ])('of %s, %s is %j', ([json, name, value]) => {
    expect(claimIn(parsed(json), name)).toEqual(value);
  });

  test('finds whatever was put at a path, and nothing that was not', () => {
    const key = fc.constantFrom('a', 'b', 'a.b', '__proto__', 'constructor', 'x/y');
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), (path) => {
        const json = path.reduceRight((inner, name) => `{${JSON.stringify(name)}:${inner}}`, '"here"');
        expect(claimIn(parsed(json), path.join('.'))).toBe('here');
        expect(claimIn(parsed(json), `${path.join('.')}.z`)).toBeUndefined();
      }),
    );
  });
});

test('claims that are named are found again under the same names, and sub stays', () => {
  const names = {
    user: 'ext.id',
    departments: 'https://example.com/d',
    topics: '__proto__',
    scope: 'roles',
    scopePrefix: 'c/',
  };
  const claims = { sub: 'u', departments: ['d'], topics: ['t'], publish: ['p'], scope: 'admin  x' };
  const named = namedAs(claims, names);
  expect(claimIn(named, 'ext.id')).toBe('u');
  expect(claimIn(named, 'https://example.com/d')).toEqual(['d']);
  expect(claimIn(named, '__proto__')).toEqual(['t']);
  expect(claimIn(named, 'roles')).toBe('c/admin c/x');
  expect(named).toMatchObject({ sub: 'u', publish: ['p'] });
  expect(namedAs(claims, DEFAULT_CLAIM_NAMES)).toEqual({ ...claims, scope: 'admin x' });
});
