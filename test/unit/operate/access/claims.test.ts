/** Claims: what of a token cannot be used is left out and named, and never gives more than it says. */
import { describe, expect, test } from 'vitest';
import { adminScopes } from '../../../../src/contract/admin-scope.ts';
import { type ClaimNames, DEFAULT_CLAIM_NAMES } from '../../../../src/contract/claim-names.ts';
import { identityOf, readBearer, type Skipped } from '../../../../src/operate/access/claims.ts';
import { SkippedClaims } from '../../../../src/operate/access/skipped-claims.ts';

const exp = 1_900_000_000;

function read(claims: Readonly<Record<string, unknown>>) {
  const found = readBearer({ sub: 'u1', exp, ...claims });
  if (!found.ok) throw new Error(found.fault);
  return identityOf(found.bearer);
}

const named = ({ skipped }: ReturnType<typeof read>) => skipped.map(({ claim, value }) => [claim, value]);

describe('departments', () => {
  test('one that cannot be used keeps nobody out', () => {
    const found = read({
      departments: ['研发部', 'R&D', 'a,b', ' x', 7, null, { a: 1 }, 'sales\u202e', 'R&D'],
    });
    expect(found.identity).toMatchObject({ user: 'u1', departments: ['研发部', 'R&D', '7'] });
    expect(named(found)).toEqual([
      ['departments', 'a,b'],
      ['departments', ' x'],
      ['departments', null],
      ['departments', { a: 1 }],
      ['departments', 'sales\u202e'],
    ]);
    expect(found.skipped[0]?.why).toBe('an id has no commas and no braces');
  });

  test('are normalised, and each is one', () => {
    expect(read({ departments: ['Ve\u0301lo', 'V\u00e9lo'] }).identity.departments).toEqual(['V\u00e9lo']);
  });

  test('more than 100 are the first 100, and the others are named', () => {
    const departments = Array.from({ length: 500 }, (_, i) => `d${i}`);
    const found = read({ departments: ['d0', ...departments] });
    expect(found.identity.departments).toEqual(departments.slice(0, 100));
    expect(named(found)).toEqual(departments.slice(100).map((department) => ['departments', department]));
    expect(read({ departments: departments.slice(0, 101) }).skipped).toHaveLength(1);
    expect(read({ departments: departments.slice(0, 100) }).skipped).toEqual([]);
  });

  test.for<[unknown, string[], number]>([
    ['sales', ['sales'], 0],
    ['sales,east', ['sales', 'east'], 0],
    [' Sales & Marketing , R&D,, east,', ['Sales & Marketing', 'R&D', 'east'], 0],
    ['', [], 0],
    [' , ', [], 0],
    ['sales,{x}', ['sales'], 1],
    [['sales,east'], [], 1],
    [null, [], 1],
    [true, [], 1],
    [{ 0: 'a' }, [], 1],
    [2 ** 53, [], 1],
    [[['a']], [], 1],
    [[], [], 0],
  ])('%j gives %j', ([departments, given, skipped]) => {
    const found = read({ departments });
    expect(found.identity.departments).toEqual(given);
    expect(found.skipped).toHaveLength(skipped);
  });
});

describe('patterns', () => {
  test('a bad one gives nothing, and the others what they say', () => {
    const found = read({
      topics: ['a', '#', '行情.*', 'b,c'],
      publish: ['*', 'x\u0000'],
      audiences: ['user:*', 'nobody'],
    });
    expect(found.identity).toMatchObject({ topics: ['a', '行情.*'], publish: ['*'], audiences: ['user:*'] });
    expect(named(found)).toEqual([
      ['topics', '#'],
      ['topics', 'b,c'],
      ['publish', 'x\u0000'],
      ['audiences', 'nobody'],
    ]);
  });

  test('are text with commas, too', () => {
    const found = read({ topics: 'a.*, b', publish: 'c,#', audiences: 'user:*, global' });
    expect(found.identity).toMatchObject({
      topics: ['a.*', 'b'],
      publish: ['c'],
      audiences: ['user:*', 'global'],
    });
    expect(named(found)).toEqual([['publish', '#']]);
  });

  test.for([[['nobody']], ['nobody'], [''], [','], [null], [{}], [[]], [7], [[null]]])(
    'audiences that cannot be used, as %j, allow none and not all',
    ([audiences]) => {
      expect(read({ audiences }).identity.audiences).toEqual([]);
    },
  );

  test('without the claim any audience may be published to', () => {
    expect(read({}).identity.audiences).toBeUndefined();
  });
});

test.for<[unknown, string | undefined]>([
  ['a-1', 'a-1'],
  ['x'.repeat(300), 'x'.repeat(256)],
  ['', undefined],
  [7, undefined],
  [{}, undefined],
  [undefined, undefined],
])('the token id %j gives %j', ([jti, tokenId]) => {
  expect(read({ jti }).identity.tokenId).toBe(tokenId);
});

test.for<[unknown, string[]]>([
  ['events:write admin', ['events:write', 'admin']],
  [
    ['events:write', 'admin'],
    ['events:write', 'admin'],
  ],
  [['events:write admin'], ['events:write admin']],
  [['events:write', 7, null], ['events:write']],
  [undefined, []],
  [null, []],
  [{ admin: true }, []],
  [true, []],
])('the scope %j gives %j', ([scope, scopes]) => {
  expect(read({ scope }).identity.scopes).toEqual(scopes);
});

describe('scopes', () => {
  const scopesOf = (claims: Readonly<Record<string, unknown>>, names: Partial<ClaimNames> = {}) => {
    const found = readBearer({ sub: 'u1', exp, ...claims }, { ...DEFAULT_CLAIM_NAMES, ...names });
    if (!found.ok) throw new Error(found.fault);
    const { identity, skipped } = identityOf(found.bearer);
    return { scopes: identity.scopes, skipped: skipped.map(({ claim, value }) => [claim, value]) };
  };

  test('are those of scope, scp and permissions together, each once', () => {
    const claims = {
      scope: 'openid events:write',
      scp: 'User.Read events:write',
      permissions: ['read:x', 'b c'],
    };
    expect(scopesOf(claims).scopes).toEqual(['openid', 'events:write', 'User.Read', 'read:x', 'b c']);
    expect(scopesOf({ scp: ['events:write', 7] })).toEqual({
      scopes: ['events:write'],
      skipped: [['scp', 7]],
    });
    expect(scopesOf({ scp: 'events:write' }).scopes).toEqual(['events:write']);
  });

  test.for(
    ['scp', 'permissions'].flatMap((claim) => Object.keys(adminScopes).map((word) => [word, claim] as const)),
  )('a right of somebody else named %s in %s is no scope, and told', ([word, claim]) => {
    for (const value of [word, [word], `x ${word}`]) {
      const found = scopesOf({ [claim]: value });
      expect(found.scopes).not.toContain(word);
      expect(found.skipped).toEqual([[claim, word]]);
    }
    expect(scopesOf({ scope: word, [claim]: [word] }).scopes).toEqual([word]);
    expect(scopesOf({ [claim]: [word] }, { scope: claim }).scopes).toEqual([word]);
  });

  test('of a named claim are the only ones', () => {
    const claims = { scope: 'admin', scp: 'admin', permissions: ['admin'], roles: ['events:write'] };
    expect(scopesOf(claims, { scope: 'roles' })).toEqual({ scopes: ['events:write'], skipped: [] });
    expect(scopesOf(claims, { scope: 'cognito:groups' })).toEqual({ scopes: [], skipped: [] });
  });

  test('with a prefix count without it, and no others count', () => {
    const claims = {
      scope: 'carillon/events:write admin other/admin carillon/',
      permissions: ['carillon/admin'],
    };
    expect(scopesOf(claims, { scopePrefix: 'carillon/' })).toEqual({
      scopes: ['events:write', '', 'admin'],
      skipped: [],
    });
  });
});

describe('other claims', () => {
  const names: ClaimNames = {
    user: 'ext.employee',
    departments: 'https://example.com/departments',
    topics: 'realm_access.topics',
    scope: 'realm_access.roles',
    scopePrefix: undefined,
  };

  test('say the same under their names, and what Carillon calls so itself says nothing', () => {
    const found = readBearer(
      {
        sub: 'somebody',
        exp,
        departments: ['secret'],
        topics: ['*'],
        scope: 'admin',
        ext: { employee: 42 },
        'https://example.com/departments': 'sales, east',
        realm_access: { topics: ['ticker.*'], roles: ['events:write', 7] },
      },
      names,
    );
    if (!found.ok) throw new Error(found.fault);
    const { identity, skipped } = identityOf(found.bearer);
    expect(identity).toMatchObject({
      user: '42',
      departments: ['sales', 'east'],
      topics: ['ticker.*'],
      scopes: ['events:write'],
    });
    expect(skipped).toEqual([{ claim: 'realm_access.roles', value: 7, why: expect.any(String) }]);
  });

  test.for<[unknown, string]>([
    [undefined, 'claim ext.employee is missing'],
    [{}, 'claim ext.employee is missing'],
    ['42', 'claim ext.employee is missing'],
    [[{ employee: '42' }], 'claim ext.employee is missing'],
    [{ employee: null }, 'claim ext.employee: '],
    [{ employee: 'a,b' }, 'claim ext.employee: '],
    [{ employee: 1.5 }, 'claim ext.employee: '],
    [{ employee: ['42'] }, 'claim ext.employee: '],
  ])('%j says no user', ([ext, fault]) => {
    const found = readBearer({ sub: 'somebody', exp, ext }, names);
    expect(found).toEqual({ ok: false, fault: expect.stringContaining(fault) });
  });
});

test.for([undefined, null, '', 7, ['u1'], 'a,b', '{a}', 'a\u0000', 'x'.repeat(129)])(
  'a sub of %j gives nobody',
  (sub) => {
    const found = readBearer({ sub, exp });
    expect(found).toEqual({ ok: false, fault: expect.stringMatching(/^claim sub: ./) });
  },
);

describe('what was skipped', () => {
  const lines: object[] = [];
  let nowMs = 0;
  const claims = () => {
    lines.length = 0;
    return new SkippedClaims({ warn: (line: object) => void lines.push(line) }, () => nowMs);
  };
  const of = (value: unknown): readonly Skipped[] => [
    { claim: 'departments', value, why: 'an id has no commas' },
  ];

  test('is logged with who has it and what would be right', () => {
    claims().tell('u1', of('a,b'));
    expect(lines).toEqual([
      { user: 'u1', skipped: ['departments: a,b'], count: 1, why: ['an id has no commas'] },
    ]);
  });

  test('is logged once in ten minutes, whoever comes with it', () => {
    const told = claims();
    for (const user of ['u1', 'u1', 'u2']) told.tell(user, of('a,b'));
    expect(lines).toHaveLength(1);
    nowMs += 600_000;
    told.tell('u2', of('a,b'));
    expect(lines).toHaveLength(2);
  });

  test('fills no log, and says how much was left out', () => {
    const told = claims();
    for (let i = 0; i < 10_000; i += 1) told.tell('u1', of(`a,${i}`));
    expect(lines).toHaveLength(30);
    nowMs += 60_000;
    told.tell('u1', of('b,c'));
    expect(lines.at(-1)).toMatchObject({ suppressed: 9_970 });
  });

  test('is cut where it is long', () => {
    const many = Array.from({ length: 400 }, () => of('\ud83d'.repeat(100_000))[0]).filter(
      (one) => one !== undefined,
    );
    claims().tell('u1', many);
    expect(JSON.stringify(lines).length).toBeLessThan(2_000);
    expect(lines).toEqual([expect.objectContaining({ count: 400 })]);
  });
});
