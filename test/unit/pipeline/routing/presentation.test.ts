/** What routes show of an event: which route wins, what is left out, and that nothing hostile becomes an address. */
import { describe, expect, test } from 'vitest';
import { readStructured } from '../../../../src/contract/cloudevent.ts';
import { displaySchema, MAX_DISPLAY_BYTES } from '../../../../src/contract/display.ts';
import { type Event, eventSchema } from '../../../../src/contract/event.ts';
import {
  encodeEvent,
  envelopeTextIn,
  NOTIFICATION_MIDDLE,
  parseNotification,
} from '../../../../src/contract/notification.ts';
import { createPresenter } from '../../../../src/pipeline/routing/presentation.ts';
import { parseRoutes } from '../../../../src/pipeline/routing/routes-file.ts';
import fc from '../../../support/fast-check.ts';
import { hostileJson } from '../../../support/hostile.ts';

function eventOf(data: string, more = ''): Event {
  const text = `{"specversion":"1.0","id":"1","source":"/shop","type":"order.shipped","subject":"s",${more}"data":${data}}`;
  const read = readStructured(Buffer.from(text));
  if (!read.ok) throw new Error(read.refusal.message);
  return read.value.event;
}

function present(routes: string, data: string, more = '') {
  const shown = createPresenter(parseRoutes(routes, 'routes.yaml'))?.(eventOf(data, more));
  const { displayJson, omitted, titleRoute: _, ...rest } = shown ?? {};
  const display: unknown = displayJson === undefined ? undefined : JSON.parse(displayJson);
  return { ...rest, display, omitted };
}

const route = (fields: string, type = 'order.*') =>
  `routes:\n  - type: ${type}\n${fields.replace(/^/gm, '    ')}`;

describe('a route shows', () => {
  test('texts, addresses, severity and category, filled in from the event', () => {
    const routes = route(`audience: [global]
severity: "{data.level}"
category: orders
display:
  title: "Order {data.id} has shipped"
  body: { en: "By {data.carrier}, {data.total} EUR", zh-cn: "由{data.carrier}" }
  url: "/orders/{data.id}"
  image: "https://img.example/{data.id}.png"`);
    expect(
      present(routes, '{"id":1285704473650888702,"carrier":"Ada","level":"success","total":5.00}'),
    ).toEqual({
      severity: 'success',
      category: 'orders',
      display: {
        title: 'Order 1285704473650888702 has shipped',
        body: { en: 'By Ada, 5.00 EUR', 'zh-CN': '由Ada' },
        url: '/orders/1285704473650888702',
        image: 'https://img.example/1285704473650888702.png',
      },
      omitted: undefined,
    });
  });

  test('a title, and it is known which route has given it', () => {
    const routes = parseRoutes(
      `routes:
  - { type: "#", audience: [global], display: { body: b } }
  - { type: order.*, display: { title: "{data.name}" } }
  - { type: order.shipped, display: { title: Shipped } }`,
      'routes.yaml',
    );
    const routeOf = (data: string) => createPresenter(routes)?.(eventOf(data))?.titleRoute;
    expect([routeOf('{"name":"A"}'), routeOf('{}')]).toEqual(['order.*', 'order.shipped']);
    expect(createPresenter(routes.slice(0, 1))?.(eventOf('{}'))?.titleRoute).toBeUndefined();
  });

  test('of several routes the first that can give a field gives it', () => {
    const routes = `routes:
  - { type: "order.#", audience: [global] }
  - { type: order.shipped, display: { title: "{data.missing}", body: first } }
  - { type: "order.*", category: second, display: { title: second, body: second } }
  - { type: "#", category: third, severity: warning, display: { title: third, url: /third } }
  - { type: invoice.sent, display: { image: /never } }`;
    expect(present(routes, '{}')).toMatchObject({
      severity: 'warning',
      category: 'second',
      display: { title: 'second', body: 'first', url: '/third' },
      omitted: [{ route: 'order.shipped', field: 'title', why: 'missing', path: 'data.missing' }],
    });
  });

  test('nothing in the place of what the event says itself', () => {
    const routes = route('severity: critical\ncategory: orders');
    expect(present(routes, '{}', '"severity":"info","category":"own",')).toMatchObject({
      severity: 'info',
      category: 'own',
    });
  });

  test('the same of an event that names its audience, and nothing of a retraction or of another type', () => {
    const presenter = createPresenter(parseRoutes(route('display: { title: x }', '"#"'), 'r'));
    const named = { ...eventOf('{"id":"1"}'), audience: ['global' as const] };
    expect(presenter?.(named)?.displayJson).toBe('{"title":"x"}');
    expect(presenter?.({ ...named, type: 'carillon.retract' })).toBeUndefined();
    expect(present(route('display: { title: x }', 'invoice.*'), '{}')).toEqual({});
  });

  test('nothing at all, and nobody is asked, where no route has a display', () => {
    expect(createPresenter(parseRoutes(route('audience: [global]'), 'r'))).toBeUndefined();
  });
});

describe('what cannot be shown is left out:', () => {
  test.each([
    [
      'a language',
      'display: { title: { en: "{data.en}", zh: "{data.zh}" } }',
      { title: { zh: '中' } },
      'missing',
    ],
    ['an empty text', 'display: { title: " {data.empty} ", body: b }', { body: 'b' }, 'missing'],
    ['a list as text', 'display: { title: "{data.list}", body: b }', { body: 'b' }, 'missing'],
    ['a severity that is none', 'severity: "{data.zh}"', undefined, 'not_allowed'],
    ['a category with a space', 'category: "{data.spaced}"', undefined, 'not_allowed'],
    ['a category that is too long', 'category: "{data.long}"', undefined, 'too_long'],
    ['an address that is too long', 'display: { url: "/{data.long}" }', undefined, 'too_long'],
    ['a way out of a path', 'display: { url: "/a/{data.up}/b" }', undefined, 'not_allowed'],
    ['a picture that is not of https', 'display: { image: "{data.http}" }', undefined, 'not_allowed'],
  ])('%s', (_name, fields, display, why) => {
    const data = `{"zh":"中","empty":"","list":["a"],"spaced":"a b","up":"..","http":"http://x.example/a.png","long":"${'x'.repeat(3_000)}"}`;
    const found = present(route(fields), data);
    expect(found.display).toEqual(display);
    expect(found).toMatchObject({ severity: undefined, category: undefined, omitted: [{ why }] });
  });

  test('a title ends early, and what finds no room is not there', () => {
    const languages = Array.from({ length: 20 }, (_, i) => `a${String.fromCharCode(97 + i)}: "{data.long}"`);
    const routes = route(`display:\n  title: "{data.long}"\n  body: { ${languages.join(', ')} }\n  url: /x`);
    const { display, omitted } = present(routes, `{"long":"${'中'.repeat(5_000)}"}`);
    const { title, url, body } = displaySchema.parse(display);
    expect(title).toBe(`${'中'.repeat(249)}…`);
    expect(url).toBe('/x');
    expect(Object.keys(body ?? {})).toEqual(['aa', 'ab']);
    expect(omitted?.map(({ language, why }) => [language, why])).toEqual(
      languages.slice(2).map((one) => [one.slice(0, 2), 'too_long']),
    );
    expect(Buffer.byteLength(JSON.stringify(display))).toBeLessThanOrEqual(MAX_DISPLAY_BYTES);
  });
});

describe('an address', () => {
  const urlOf = (template: string, value: string) =>
    displaySchema.parse(
      present(route(`display: { title: t, url: '${template}' }`), JSON.stringify({ v: value })).display,
    ).url;

  test.each([
    ['/orders/{data.v}', 'a b?c=d#e/f', '/orders/a%20b%3Fc%3Dd%23e%2Ff'],
    ['/{data.v}', '/evil.example', '/%2Fevil.example'],
    ['{data.v}', 'https://shop.example/a?b=c#d', 'https://shop.example/a?b=c#d'],
    ['{data.v}/x', '/orders/1', '/orders/1/x'],
    ['{data.v}', 'orders/1', 'orders/1'],
    ['https://{data.v}.example/', 'shop', 'https://shop.example/'],
    ['https://{data.v}.example/', 'evil.example/', undefined],
    ['{data.v}', 'javascript:alert(1)', undefined],
    ['{data.v}', 'java\nscript:alert(1)', undefined],
    ['{data.v}', ' JavaScript:alert(1)', undefined],
    ['{data.v}', '\u0001javascript:alert(1)', undefined],
    ['{data.v}:alert(1)', 'javascript', undefined],
    ['{data.v}', 'data:text/html,x', undefined],
    ['{data.v}', 'vbscript:x', undefined],
    ['{data.v}', 'blob:https://shop.example/1', undefined],
    ['{data.v}', 'https://', undefined],
    ['{data.v}', '', undefined],
  ])('%s with %j: %s', (template, value, url) => {
    expect(urlOf(template, value)).toBe(url);
  });

  test('is of http, https or relative, whatever it is filled in with', () => {
    const anyScheme = fc.constantFrom(
      'javascript:',
      'data:',
      'https:',
      '//',
      '\\',
      '\t',
      'JAVA',
      'script:',
      '%0a',
      ':',
    );
    const anyValue = fc
      .array(fc.oneof(anyScheme, fc.string()), { maxLength: 5 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        anyValue,
        fc.constantFrom('{data.v}', '/{data.v}', 'https://a/{data.v}'),
        (value, template) => {
          const url = urlOf(template, value);
          if (url === undefined) return;
          expect(['http:', 'https:']).toContain(new URL(url, 'https://page.example/a/b').protocol);
          if (template.startsWith('/'))
            expect(new URL(url, 'https://page.example/a/').host).toBe('page.example');
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

test('whatever the data, a notification is JSON, its display bounded, and its envelope without it', () => {
  const presenter = createPresenter(
    parseRoutes(
      route(`severity: "{data.a}"
category: "{data.b}"
display:
  title: { en: "{data.a}", database: "{data.b}", zh: "{subject}" }
  body: "{data.a.0} {data.b.title}"
  url: "/{data.a}"
  image: "{data.b}"`),
      'routes.yaml',
    ),
  );
  fc.assert(
    fc.property(hostileJson, hostileJson, (a, b) => {
      const written: unknown = JSON.parse(
        `{"specversion":"1.0","id":"1","source":"/s","type":"order.x","subject":"y","data":{"a":${a},"b":${b}}}`,
      );
      const event = eventSchema.parse(written);
      const shown = presenter?.(event);
      const { head, tail } = encodeEvent(event, new Date(), false, shown)('user:1');
      const json = `${head}1${NOTIFICATION_MIDDLE}1${tail}`;
      const { display, severity, category, data, ...envelope } = parseNotification(json);
      expect(data).toEqual(JSON.parse(JSON.stringify(event.data)));
      expect(JSON.parse(envelopeTextIn(json))).toEqual({
        severity,
        ...(category === undefined ? {} : { category }),
        ...envelope,
      });
      const parsed = displaySchema.parse(display);
      expect(Object.keys(parsed.title ?? {})).toContain('zh');
      expect(Buffer.byteLength(JSON.stringify(parsed))).toBeLessThanOrEqual(MAX_DISPLAY_BYTES);
      expect(JSON.stringify([parsed, severity, category]).isWellFormed()).toBe(true);
    }),
    { numRuns: 700 },
  );
});
