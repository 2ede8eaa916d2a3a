/** What of a notification is shown, and in which of its languages. */
import { describe, expect, test } from 'vitest';
import { textsOf } from '../../../../src/clients/client/connect.ts';
import { pickText } from '../../../../src/contract/languages.ts';
import fc from '../../../support/fast-check.ts';

describe('the language', () => {
  const tags = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]));

  test.each([
    [['en', 'zh'], ['zh'], 'zh'],
    [['en', 'zh'], ['zh-Hant-TW'], 'zh'],
    [['en', 'zh', 'zh-Hant'], ['zh-Hant-TW'], 'zh-Hant'],
    [['en', 'zh-Hans'], ['zh'], 'zh-Hans'],
    [['en', 'pt-PT'], ['pt-BR', 'en'], 'pt-PT'],
    [['en', 'de'], ['fr', 'de', 'en'], 'de'],
    [['en', 'de'], ['fr'], 'en'],
    [['de', 'en'], [], 'de'],
    [['en', 'zh-TW'], ['ZH-tw'], 'zh-TW'],
    [['en', 'de'], ['de-x-private'], 'de'],
    [['en', 'de-CH'], ['de-CH-1996-x-a'], 'de-CH'],
    [['en'], ['', '-', '--', 'x'.repeat(1_000)], 'en'],
    [['en', '__proto__'], ['constructor', 'toString'], 'en'],
  ])('of %j for %j is %s', (offered, wanted, picked) => {
    expect(pickText(tags(...offered), wanted)).toEqual({ text: picked, language: picked });
  });

  test('of one text is not known, and of none there is no text', () => {
    expect(pickText('Hello', ['zh'])).toEqual({ text: 'Hello', language: undefined });
    expect(pickText({}, ['zh'])).toBeUndefined();
    expect(pickText(undefined, ['zh'])).toBeUndefined();
  });

  test('is always one of those that are there, whatever is wanted', () => {
    const anyTags = fc.array(fc.string(), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyTags, fc.array(fc.string(), { maxLength: 30 }), (offered, wanted) => {
        const texts = Object.fromEntries(offered.map((tag) => [`a${tag}`, 'text']));
        expect(Object.keys(texts)).toContain(pickText(texts, wanted)?.language);
      }),
    );
  });
});

describe('what is shown', () => {
  const data = { title: ' From data ', body: 'Body', url: '/data' };

  test('is the display, else the data, field by field', () => {
    expect(
      textsOf({ type: 't', data, display: { title: { en: 'Shown' }, image: '/a.png' } }, ['en']),
    ).toEqual({
      title: 'Shown',
      titleLanguage: 'en',
      body: 'Body',
      bodyLanguage: undefined,
      url: '/data',
      image: '/a.png',
    });
    expect(textsOf({ type: 't', data }, ['en'])).toMatchObject({ title: 'From data', image: undefined });
    expect(textsOf({ type: 't', data, display: { url: '/shown' } })).toMatchObject({ url: '/shown' });
  });

  test.each([
    ['order.created', 'Order created'],
    ['OrderShipped', 'Order shipped'],
    ['com.example.order.item-added', 'Com example order item added'],
    ['Shop.Contracts:OrderShipped', 'Shop contracts order shipped'],
    ['VPN.down', 'VPN down'],
    ['order2.paid_v2', 'Order2 paid v2'],
    ['...', '...'],
  ])('else the type %s in words: %s', (type, title) => {
    for (const said of [undefined, {}, { title: ' ' }, { title: 7 }, { title: { en: 'x' } }])
      expect(textsOf({ type, ...(said === undefined ? {} : { data: said }) }).title).toBe(title);
  });
});
