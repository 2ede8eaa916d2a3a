/**
 * Hostile routes files: any text is either routes or a RoutesError whose every fault names a line of the file; and
 * the routes that were read can be asked about any event.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { isAudience } from '../../../../src/contract/audience.ts';
import { readEnvelope } from '../../../../src/contract/cloudevent.ts';
import { displaySchema } from '../../../../src/contract/display.ts';
import { refusalCodeSchema } from '../../../../src/contract/refusal.ts';
import { createPresenter } from '../../../../src/pipeline/routing/presentation.ts';
import { audiencesOf } from '../../../../src/pipeline/routing/route.ts';
import { parseRoutes, RoutesError } from '../../../../src/pipeline/routing/routes-file.ts';
import fc from '../../../support/fast-check.ts';
import {
  countInputs,
  hostileJson,
  hostileValue,
  nested,
  spoilt,
  weighted,
} from '../../../support/hostile.ts';

const tried = countInputs();
const ends = { routes: 0, faults: 0 };

// The YAML library says on standard error when a key is no text.
beforeAll(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterAll(() => vi.restoreAllMocks());
afterEach(() => expect('polluted' in {}).toBe(false));

const events = ['a', 'a.b.c', '#', '*.*', '...', '.'.repeat(255), 'a.'.repeat(127)].map((type) => ({
  specversion: '1.0',
  id: '1',
  source: '/s',
  type,
  subject: 'a}b',
  data: { id: ['1', 2], who: { name: '}' }, toString: null },
}));

function check(text: string): void {
  tried();
  const lastLine = text.split('\n').length;
  try {
    const routes = parseRoutes(text, 'routes.yaml');
    ends.routes += 1;
    for (const envelope of events) {
      const read = readEnvelope(envelope);
      const mapped = read.ok ? audiencesOf(read.value.event, routes, 100) : read;
      const isRight = mapped.ok
        ? mapped.value.every(({ audience }) => isAudience(audience))
        : refusalCodeSchema.options.includes(mapped.refusal.code);
      expect(isRight).toBe(true);
      const display = read.ok ? createPresenter(routes)?.(read.value.event)?.displayJson : undefined;
      if (display !== undefined) displaySchema.parse(JSON.parse(display));
    }
  } catch (error) {
    if (!(error instanceof RoutesError)) throw error;
    ends.faults += 1;
    expect(error.code).toBe('invalid_routes');
    const [count, ...faults] = error.message.split('\n  - ');
    expect(count).toBe(`the routes have ${faults.length} fault(s):`);
    expect(faults.length).toBeGreaterThan(0);
    for (const fault of faults) {
      const line = Number(/^routes\.yaml:(\d+): \S/.exec(fault)?.[1]);
      expect(line).toBeGreaterThanOrEqual(1);
      expect(line).toBeLessThanOrEqual(lastLine);
    }
  }
}

const words = [
  ...['routes:', 'type:', 'audience:', 'global', 'user:{data.id}', '"topic:{subject}"', 'order.*', 'a.#.b'],
  ...[
    'severity: ',
    'category: ',
    'display: ',
    'title: ',
    'body: ',
    'url: ',
    'image: ',
    'en: ',
    'zh-TW: ',
    '/{id}',
  ],
  ...['- ', '-', '\n', '\n  ', '\n    ', '\n  - ', '\r\n', '\t', ' ', ': ', ', ', '[', ']', '{', '}', '? '],
  ...['&a ', '*a', '<<: *a', '!!str ', '!!binary ', '!!set ', '!!omap ', '!!timestamp ', '!!float ', '!x '],
  ...[
    '"',
    "'",
    '|',
    '>-\n',
    '# ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '%TAG ! x:\n',
    '~',
    '.inf',
    '.nan',
    '0o7',
  ],
  ...[
    '__proto__',
    '{data.}',
    '{__proto__}',
    '{data.__proto__.x}',
    '{data.id}',
    '{data.who.name}',
    '{{',
    '\u2028',
    '\u0000',
  ],
];

const anyYaml = fc.array(fc.constantFrom(...words), { maxLength: 50 }).map((parts) => parts.join(''));

const valid = `# who hears of what
routes:
  - type: order.*
    audience: &a ["user:{data.id}", global]
  - {type: "#.a.#", audience: *a}
  - type: "*"
    audience:
      - topic:{subject}
  - type: "#"
    severity: warning
    display:
      title: { en: "From {data.who.name}", zh: "{subject}" }
      url: /{data.id.0}
`;

test('texts that are put together from pieces of YAML', () => {
  fc.assert(fc.property(anyYaml, check), { numRuns: 3_000 });
});

test('a good file, spoilt', () => {
  const anySpoilt = spoilt(fc.constant(valid)).map((bytes) => bytes.toString());
  fc.assert(fc.property(anySpoilt, check), { numRuns: 1_500 });
});

test('a good file, with pieces put in', () => {
  fc.assert(
    fc.property(fc.nat(valid.length), anyYaml, fc.nat(20), (at, piece, dropped) =>
      check(valid.slice(0, at) + piece + valid.slice(at + dropped)),
    ),
    { numRuns: 2_000 },
  );
});

test('values of every kind at every place', () => {
  const anyText = fc.oneof(fc.constantFrom('a.#', '#', 'global', 'user:{data.id}'), fc.string());
  const anyPlace = weighted<string>([3, anyText.map((text) => JSON.stringify(text))], [1, hostileJson]);
  fc.assert(
    fc.property(anyPlace, anyPlace, anyPlace, hostileValue, (type, one, two, other) => {
      check(`{"routes":[{"type":${type},"audience":[${one},${two}]}]}`);
      check(`routes:\n- type: ${type}\n  audience: ${one}\n`);
      check(`routes:\n- ${one}\n- ${JSON.stringify(other)}: ${two}\n${type}: 1\n`);
    }),
    { numRuns: 700 },
  );
});

test('templates and patterns that were made to be slow', () => {
  const many = Array.from({ length: 300 }, (_, i) => `'#.${'a.#.'.repeat(i % 60)}b'`);
  check(`routes: [${many.map((type) => `{type: ${type}, audience: [global]}`).join(',')}]`);
  check(`routes: [{type: '#', audience: ['user:${'{data.id}'.repeat(40)}']}]`);
  check(`routes: [{type: '#', audience: ['user:${'{'.repeat(20_000)}']}]`);
  check(`routes: [{type: '#', audience: ['user:{data${'.a'.repeat(20_000)}}']}]`);
  check(`routes: [{type: '${'a.'.repeat(20_000)}', audience: [global]}]`);
});

describe('the library meets its bounds:', () => {
  const level = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(',')}]\n`;

  test.for<[string, string]>([
    ['lists that are nested deeply', nested(20_000)],
    ['mappings that are nested deeply', nested(20_000, '{a: ', '}')],
    ['blocks that are nested deeply', '- '.repeat(5_000)],
    ['quotes that never end', `routes: "${'\\'.repeat(10_001)}`],
    ['aliases that multiply', `${level('a', 'x')}${level('b', '*a')}${level('c', '*b')}routes: [*c, *c]\n`],
    ['a list that holds itself', 'routes: &a [*a]'],
    ['a mapping that holds itself', '&a routes: *a'],
    ['a merge of itself', '&a\n<<: *a\nroutes: []'],
    ['an alias of nothing', 'routes: [{type: *x, audience: *y}]'],
    ['a key that is a list', '? [a, b]\n: 1\n'],
    ['prototypes', '__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}\nroutes: []'],
    ['bytes that are no text', `routes: !!binary "${'%'.repeat(50)}"`],
    ['many anchors', Array.from({ length: 3_000 }, (_, i) => `k${i}: &a${i} x`).join('\n')],
    ['many faults', `routes: [${Array(3_000).fill('{type: a..b, audience: []}').join(',\n')}]`],
  ])('%s', ([, text]) => {
    check(text);
  });
});

test('the inputs reached both ends', () => {
  expect(Math.min(ends.routes, ends.faults)).toBeGreaterThan(100);
});
