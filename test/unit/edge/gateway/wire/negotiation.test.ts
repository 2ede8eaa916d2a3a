/** Which offers of permessage-deflate are accepted and on what terms, by themselves and as a real server answers them. */
import { type ClientRequest, createServer, type Server as HttpServer, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wireEngine } from '../../../../../src/edge/gateway/wire/engine.ts';
import { negotiate } from '../../../../../src/edge/gateway/wire/negotiation.ts';
import fc from '../../../../support/fast-check.ts';
import { AMPLE } from '../../../../support/pending.ts';

const WINDOW_BITS = 12;
const TERMS = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const ACCEPTED = { offer: TERMS, takesDeflated: true };
const DECLINED = { offer: '', takesDeflated: false };

const withWindow = (bits: number) => ({
  offer: `${TERMS}; server_max_window_bits=${bits}`,
  takesDeflated: bits >= WINDOW_BITS,
});

describe('what clients offer', () => {
  test.for([
    ['Chrome, ws and aiohttp', 'permessage-deflate; client_max_window_bits', ACCEPTED],
    ['Firefox and Safari', 'permessage-deflate', ACCEPTED],
    ['an old Safari', 'x-webkit-deflate-frame', DECLINED],
    [
      'websockets for Python',
      'permessage-deflate; server_max_window_bits=12; client_max_window_bits=12',
      withWindow(12),
    ],
    [
      'aiohttp with a window of its own',
      'permessage-deflate; client_max_window_bits; server_max_window_bits=10',
      withWindow(10),
    ],
    ['one that keeps no context', `${TERMS}; client_max_window_bits=9`, ACCEPTED],
    ['the smallest window', 'permessage-deflate; server_max_window_bits=8', withWindow(8)],
    ['one bit too few', 'permessage-deflate; server_max_window_bits=11', withWindow(11)],
    ['a quoted value', 'permessage-deflate; server_max_window_bits="13"', withWindow(13)],
    ['among other extensions', 'x-other; a=1, permessage-deflate, bbf-usp-protocol', ACCEPTED],
  ] as const)('%s', ([, header, expected]) => {
    expect(negotiate(header, WINDOW_BITS)).toEqual(expected);
  });
});

describe('of several offers', () => {
  test.for([
    ['the first', 'permessage-deflate; client_max_window_bits, permessage-deflate', ACCEPTED],
    [
      'the first whose window fits, wherever it stands',
      'permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=14',
      withWindow(14),
    ],
    [
      'the first when no window fits',
      'permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=8',
      withWindow(9),
    ],
    ['the first that is valid', 'permessage-deflate; nonsense, permessage-deflate', ACCEPTED],
    ['none when none is valid', 'permessage-deflate; a, permessage-deflate; b=1', DECLINED],
  ] as const)('%s', ([, header, expected]) => {
    expect(negotiate(header, WINDOW_BITS)).toEqual(expected);
  });
});

const INVALID_PARAMETERS = [
  'unknown',
  'unknown=1',
  'server_no_context_takeover=1',
  'client_no_context_takeover=true',
  'server_max_window_bits',
  ...['0', '7', '16', '08', '1e1', '012', '12.0', '-9', 'twelve'].flatMap((value) => [
    `server_max_window_bits=${value}`,
    `client_max_window_bits=${value}`,
  ]),
  'server_no_context_takeover; server_no_context_takeover',
  'client_max_window_bits; client_max_window_bits=10',
  'server_max_window_bits=12; server_max_window_bits=12',
  // Every object has members of these names.
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty=server_max_window_bits',
  'propertyIsEnumerable=server_max_window_bits',
];

const VALID_PARAMETERS = [
  'server_no_context_takeover',
  'client_no_context_takeover',
  'server_max_window_bits=15',
  'client_max_window_bits',
];

describe('an offer with a parameter that the RFC does not know, a bad value or a repeated name is declined', () => {
  test.for(INVALID_PARAMETERS)('%s', (parameters) => {
    expect(negotiate(`permessage-deflate; ${parameters}`, WINDOW_BITS)).toEqual(DECLINED);
  });

  test('and so it is among valid ones, in any order', () => {
    const invalid = fc.constantFrom(...INVALID_PARAMETERS.filter((text) => !text.includes(';')));
    fc.assert(
      fc.property(fc.shuffledSubarray(VALID_PARAMETERS), invalid, fc.nat(), (valid, parameter, place) => {
        const offer = valid.filter((text) => text.split('=')[0] !== parameter.split('=')[0]);
        offer.splice(place % (offer.length + 1), 0, parameter);
        const header = ['permessage-deflate', ...offer].join('; ');
        expect(negotiate(header, WINDOW_BITS)).toEqual(DECLINED);
        expect(negotiate(`${header}, permessage-deflate`, WINDOW_BITS)).toEqual(ACCEPTED);
      }),
    );
  });
});

const MALFORMED = [
  '',
  ';',
  ',',
  'permessage-deflate;',
  'permessage-deflate,',
  'permessage-deflate; a=',
  'permessage-deflate; a="',
  'permessage-deflate; a="b c"',
  'permessage-deflate; =1',
  'permessage deflate',
  'permessage-deflate; server_max_window_bits=12 13',
];

describe('a malformed header is an error', () => {
  test.for(MALFORMED)('"%s"', (header) => {
    expect(() => negotiate(header, WINDOW_BITS)).toThrow(SyntaxError);
  });
});

describe('a real server', () => {
  const http = { on: createServer(), off: createServer() };

  beforeAll(async () => {
    attach(http.on, 6);
    attach(http.off, 0);
    await Promise.all(
      Object.values(http).map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))),
    );
  });
  afterAll(() => {
    for (const server of Object.values(http)) {
      server.closeAllConnections();
      server.close();
    }
  });

  test.for([
    [undefined, undefined],
    ['permessage-deflate; client_max_window_bits', TERMS],
    ['permessage-deflate; server_max_window_bits=9', `${TERMS}; server_max_window_bits=9`],
    [
      'permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=14; nonsense',
      `${TERMS}; server_max_window_bits=9`,
    ],
    ['x-webkit-deflate-frame', undefined],
    ...INVALID_PARAMETERS.map((parameters) => [`permessage-deflate; ${parameters}`, undefined] as const),
  ] as const)('lets in who offers %s', async ([offer, answer]) => {
    expect(await upgrade(http.on, offer)).toEqual({ status: 101, extensions: answer });
  });

  // Node hands on an empty value as none at all.
  test.for(MALFORMED.filter((header) => header !== ''))('answers 400 to "%s"', async (header) => {
    expect(await upgrade(http.on, header)).toEqual({ status: 400, extensions: undefined });
  });

  test('accepts no offer when compression is off', async () => {
    expect(await upgrade(http.off, 'permessage-deflate')).toEqual({ status: 101, extensions: undefined });
  });
});

function attach(server: HttpServer, level: number): void {
  const engine = new (wireEngine({
    thresholdBytes: 64,
    level,
    maxInboundBytes: 1_000,
    ...AMPLE,
  }))({ server });
  engine.on('connection', (socket) => socket.close());
}

/** How a server answers to a handshake with this header. */
function upgrade(server: HttpServer, offer: string | undefined) {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
    ...(offer === undefined ? {} : { 'sec-websocket-extensions': offer }),
  };
  return answerTo(request({ port, host: '127.0.0.1', headers }));
}

function answerTo(asked: ClientRequest): Promise<{ status: number | undefined; extensions: unknown }> {
  return new Promise((resolve, reject) => {
    asked.on('upgrade', ({ statusCode, headers }, socket) => {
      socket.on('error', () => {});
      socket.destroy();
      resolve({ status: statusCode, extensions: headers['sec-websocket-extensions'] });
    });
    asked.on('response', ({ statusCode, headers }) =>
      resolve({ status: statusCode, extensions: headers['sec-websocket-extensions'] }),
    );
    asked.on('error', reject);
    asked.end();
  });
}
