/** Routes files: what is read, and that each fault is told with file and line, whatever the text. */
import { describe, expect, test } from 'vitest';
import { parseRoutes, RoutesError } from '../../../../src/pipeline/routing/routes-file.ts';
import fc from '../../../support/fast-check.ts';

/** The faults that a text is refused with, one a line. */
function faultsOf(text: string): readonly string[] {
  try {
    parseRoutes(text, 'routes.yaml');
  } catch (error) {
    if (!(error instanceof RoutesError)) throw error;
    expect(error.code).toBe('invalid_routes');
    return error.message
      .split('\n  - ')
      .slice(1)
      .map((fault) => fault.trim());
  }
  return [];
}

test('reads routes in their order', () => {
  const routes = parseRoutes(
    `# Who hears of what
routes:
  - type: order.*
    audience: ["user:{data.customerId}", global]
  - type: audit.#
    audience:
      - department:audit
`,
    'routes.yaml',
  );
  expect(routes.map(({ type, audience }) => [type, audience.map(({ text }) => text)])).toEqual([
    ['order.*', ['user:{data.customerId}', 'global']],
    ['audit.#', ['department:audit']],
  ]);
  expect(routes.map(({ matches }) => matches('audit.login'))).toEqual([false, true]);
});

test('an empty list of routes, and aliases, are fine', () => {
  expect(parseRoutes('routes: []', 'routes.yaml')).toEqual([]);
  const [, second] = parseRoutes(
    'routes:\n  - {type: a, audience: &ops [department:ops]}\n  - {type: b, audience: *ops}\n',
    'routes.yaml',
  );
  expect(second?.audience.map(({ text }) => text)).toEqual(['department:ops']);
});

describe('a fault is named with file and line:', () => {
  const route = 'routes:\n  - type: a\n    audience: [global]\n';

  test.each([
    ['an empty file', '', 'routes.yaml:1: must be a mapping with the key "routes"'],
    ['nothing but a comment', '# none yet\n', 'routes.yaml:1: must be a mapping with the key "routes"'],
    ['a list', '- type: a\n', 'routes.yaml:1: must be a mapping with the key "routes"'],
    ['no routes', '\n{}\n', 'routes.yaml:2: routes must be a list of routes'],
    ['routes that are no list', 'routes:\n  type: a\n', 'routes.yaml:2: routes must be a list of routes'],
    ['an unknown key at the top', `${route}more: 1\n`, 'routes.yaml:4: unknown key "more"'],
    ['an unknown key in a route', `${route}    to: 1\n`, 'routes.yaml:4: unknown key "to"'],
    [
      'no type',
      'routes:\n\n  - audience: [global]\n',
      'routes.yaml:3: routes[0].type must be a type pattern',
    ],
    [
      'a bad pattern',
      'routes:\n  - audience: [global]\n    type: a..b\n',
      'routes.yaml:3: routes[0].type must be words',
    ],
    [
      'no audience',
      'routes:\n  - type: a\n',
      'routes.yaml:2: routes[0].audience must be a list of audiences',
    ],
    [
      'an empty audience',
      'routes:\n  - type: a\n    audience: []\n',
      'routes.yaml:3: routes[0].audience must name',
    ],
    [
      'a bad template',
      'routes:\n  - type: a\n    audience:\n      - global\n      - user:{customer}\n',
      'routes.yaml:5: routes[0].audience[1] {customer} is not data.<field>, subject, source or type',
    ],
    [
      'a template that is no audience',
      'routes:\n  - type: a\n    audience: [nobody]\n',
      'routes.yaml:3: routes[0].audience[0] "nobody" is not an audience',
    ],
    ['a route that is no mapping', `${route}  - b\n`, 'routes.yaml:4: routes[1] '],
    ['a syntax fault', `${route}  - type: "b\n`, 'routes.yaml:5: '],
    ['tabs', 'routes:\n\t- type: a\n', 'routes.yaml:2: Tabs are not allowed'],
    ['a key twice', `${route}    type: b\n`, 'routes.yaml:4: Map keys must be unique'],
    ['two documents', `${route}---\n${route}`, 'routes.yaml:4: '],
  ])('%s', (_name, text, fault) => {
    expect(faultsOf(text)).toEqual([expect.stringContaining(fault)]);
  });

  const shows = (fields: string) => `routes:\n  - type: a\n    ${fields.replaceAll('\n', '\n    ')}\n`;

  test.each([
    ['nothing to show and no audience', 'display: {}', 2, 'routes[0].audience must be a list of audiences'],
    ['a display that is none', 'display: Shipped', 3, 'routes[0].display must be a mapping with title'],
    ['an unknown field', 'display:\n  title: t\n  icon: i', 5, 'unknown key "icon"'],
    [
      'a title that is no text',
      'display: { title: [a] }',
      3,
      'routes[0].display.title must be a text, or texts',
    ],
    ['an empty title', 'display: { title: " " }', 3, 'routes[0].display.title must be a text'],
    ['no language', 'display: { title: {} }', 3, 'routes[0].display.title must have at least one language'],
    [
      'a language that is none',
      'display:\n  title:\n    en: a\n    english language: b',
      6,
      'routes[0].display.title.english language "english language" is not a language tag',
    ],
    ['a language twice', 'display: { title: { zh-cn: a, zh-CN: b } }', 3, '"zh-CN" is there twice'],
    ['a text that is none', 'display:\n  body:\n    en: 1', 5, 'routes[0].display.body.en must be a text'],
    ['a placeholder of nothing', 'display: { title: "{order.id}" }', 3, '{order.id} is not data.<field>'],
    ['a single brace', 'display: { title: "a { b" }', 3, 'a brace that stands for itself is written twice'],
    ['an address that runs', 'display: { url: "javascript:x" }', 3, 'routes[0].display.url must be an http'],
    [
      'one that runs what it is given',
      'display: { url: "javascript:{data.x}" }',
      3,
      'display.url must be an http',
    ],
    [
      'a picture in the clear',
      'display: { image: "http://x.example/a" }',
      3,
      'display.image must be an https',
    ],
    ['a severity that is none', 'severity: high', 3, 'routes[0].severity must be info, success'],
    ['a category with a space', 'category: two words', 3, 'routes[0].category must be 1 to 64 characters'],
    ['a text that is too long', `display: { title: ${'x'.repeat(2_001)} }`, 3, 'at most 2000 characters'],
  ])('%s', (_name, fields, line, fault) => {
    expect(faultsOf(shows(fields))).toEqual([expect.stringContaining(fault)]);
    expect(faultsOf(shows(fields))[0]).toMatch(new RegExp(`^routes\\.yaml:${line}: `));
  });

  test('more languages than anybody has', () => {
    const languages = Array.from({ length: 21 }, (_, i) => `a${String.fromCharCode(97 + i)}: x`).join(', ');
    expect(faultsOf(shows(`display: { title: { ${languages} } }`))).toEqual([
      'routes.yaml:3: routes[0].display.title must have at most 20 languages',
    ]);
  });

  test('all faults of the routes at once', () => {
    const faults = faultsOf('routes:\n  - type: a..b\n    audience: [nobody]\n    to: x\nmore: 1\n');
    expect(faults.map((fault) => fault.split(': ')[0])).toEqual(
      expect.arrayContaining(['routes.yaml:2', 'routes.yaml:3', 'routes.yaml:4', 'routes.yaml:5']),
    );
    expect(faults).toHaveLength(4);
  });
});

describe('nothing but a RoutesError is thrown', () => {
  const yamlish = fc
    .array(
      fc.constantFrom(
        ...[
          'routes',
          'type',
          'audience',
          'global',
          'a.b',
          ':',
          ': ',
          '- ',
          '-',
          '\n',
          '\n  ',
          '    ',
          '\t',
          '[',
          ']',
        ],
        ...[
          '{',
          '}',
          ',',
          '"',
          "'",
          '&a ',
          '#',
          '|',
          '>',
          '? ',
          '---\n',
          '!!str ',
          '!x ',
          '%YAML 1.2\n',
          '~',
          '1',
        ],
        ...['__proto__', '\\', '\u2028', '@'],
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join(''));

  test('for arbitrary text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), yamlish), (text) => {
        for (const fault of faultsOf(text)) expect(fault).toMatch(/^routes\.yaml:\d+: /);
      }),
      { numRuns: 1_000 },
    );
  });

  test('for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (type, audience) => {
        faultsOf(JSON.stringify({ routes: [{ type, audience }] }));
      }),
    );
  });

  test('for a list that holds itself', () => {
    expect(faultsOf('routes: &a [*a]')).toEqual([expect.stringContaining('routes.yaml:1: routes[0] ')]);
  });

  test('for an alias without its anchor', () => {
    expect(faultsOf('routes: *x')).toEqual([expect.stringContaining('routes.yaml:1: ')]);
  });

  test('for aliases that multiply', () => {
    const level = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(',')}]\n`;
    const text = `${level('a', 'x')}${level('b', '*a')}${level('c', '*b')}routes: [*c, *c]\n`;
    expect(faultsOf(text).length).toBeGreaterThan(0);
  });
});
