/** AMQP_URL: what is read from it, and what is shown of it. */
import { expect, test } from 'vitest';
import { amqpAddressOf, amqpPlaceOf } from '../../../src/config/amqp-address.ts';

const PLAIN = { isTls: false, isExternal: false, username: 'guest', password: 'guest', vhost: '/' };

test.each([
  ['amqp://h', { ...PLAIN, nodes: [{ host: 'h', port: 5672 }] }],
  ['AMQPS://h:1//', { ...PLAIN, isTls: true, nodes: [{ host: 'h', port: 1 }] }],
  ['amqps://[::1]/%2F', { ...PLAIN, isTls: true, nodes: [{ host: '::1', port: 5671 }] }],
  [
    'amqp://b%C3%B6b:p%2F%2C,@a:1/l%C3%A4ger%2Fs%C3%BCd%2025%25, amqp://b,amqp://c:3/',
    {
      isTls: false,
      isExternal: false,
      username: 'böb',
      password: 'p/,,',
      vhost: 'läger/süd 25%',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 5672 },
        { host: 'c', port: 3 },
      ],
    },
  ],
  ['amqp://h/läger', { ...PLAIN, vhost: 'läger', nodes: [{ host: 'h', port: 5672 }] }],
  ['amqp://bob@h', { ...PLAIN, username: 'bob', password: '', nodes: [{ host: 'h', port: 5672 }] }],
  [
    'amqps://h?auth_mechanism=external',
    {
      ...PLAIN,
      isTls: true,
      isExternal: true,
      username: '',
      password: '',
      nodes: [{ host: 'h', port: 5671 }],
    },
  ],
])('%s', (url, read) => {
  expect(amqpAddressOf(url)).toMatchObject(read);
});

test('parameters are those of the first URL', () => {
  expect(amqpAddressOf('amqp://a?heartbeat=0&frameMax=8192&locale=de_DE,amqp://b').parameters).toEqual({
    heartbeat: 0,
    frameMax: 8192,
    locale: 'de_DE',
    channelMax: undefined,
    maxFrameSize: undefined,
  });
});

test.each([
  ['amqp://bob:hunter2@a:1/läger%2Fs', 'amqp://bob:***@a:1/l%C3%A4ger%2Fs'],
  ['amqps://bob:hunter2@[::1]/v,amqps://b', 'amqps://bob:***@[::1]:5671/v,amqps://b:5671/v'],
  ['amqps://a?auth_mechanism=external', 'amqps://a:5671'],
])('of %s is shown %s', (url, place) => {
  expect(amqpPlaceOf(amqpAddressOf(url))).toBe(place);
});
