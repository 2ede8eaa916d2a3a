/** Where the client connects to, from what apps give as the url. */
import { describe, expect, test } from 'vitest';
import { addressOf } from '../../../../src/clients/client/address.ts';

const PAGE = 'http://shop.example:8080';

test.for<[string, string, string, string?]>([
  ['https://notify.example.com', 'https://notify.example.com', '/socket.io'],
  ['https://notify.example.com/', 'https://notify.example.com', '/socket.io'],
  ['https://host/notify', 'https://host', '/notify/socket.io'],
  ['https://host/a/b//', 'https://host', '/a/b/socket.io'],
  ['HTTP://127.0.0.1:3000/notify/', 'HTTP://127.0.0.1:3000', '/notify/socket.io'],
  ['wss://[::1]:3000/x', 'wss://[::1]:3000', '/x/socket.io'],
  ['https://host/notify?region=eu', 'https://host?region=eu', '/notify/socket.io'],
  ['https://host?region=eu', 'https://host?region=eu', '/socket.io'],
  ['//host/notify', 'https://host', '/notify/socket.io'],
  ['//host/notify', 'http://host', '/notify/socket.io', PAGE],
  ['localhost:3000', 'https://localhost:3000', '/socket.io'],
  ['localhost:3000/notify', 'http://localhost:3000', '/notify/socket.io', PAGE],
  ['/notify', PAGE, '/notify/socket.io', PAGE],
  [PAGE, PAGE, '/socket.io', PAGE],
  [`${PAGE}/notify`, PAGE, '/notify/socket.io', PAGE],
  ['/', PAGE, '/socket.io', PAGE],
  ['', PAGE, '/socket.io', PAGE],
  ['https://host/%E9%80%9A', 'https://host', '/%E9%80%9A/socket.io'],
])('%s', ([url, server, path, page]) => {
  expect(addressOf(url, page)).toEqual({ server, path });
});

describe('is refused, and says how it should be:', () => {
  test.for([
    '',
    '/notify',
    'not a url',
    'ftp://host',
    'htps://host',
    'https://',
    'https:///notify',
    'https://user:secret@host',
    'https://host:99999',
    'https://host:port',
    'https://host/#here',
    'https://host/a b',
    'javascript:alert(1)',
    'data:text/plain,x',
  ])('%s', (url) => {
    expect(() => addressOf(url, undefined)).toThrow(
      expect.objectContaining({
        code: 'invalid_url',
        message: expect.stringContaining('https://example.com/notify'),
      }),
    );
  });
});
