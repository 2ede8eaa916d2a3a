/** Whose request it is, and whose connections count together. */
import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ClientAddresses, countedAs } from '../../../../src/edge/connections/client-addresses.ts';
import fc from '../../../support/fast-check.ts';

const PROXIES = ['loopback', '10.0.0.0/8', '2001:db8:ffff::/48'];
const addresses = new ClientAddresses(PROXIES);
const from = (remoteAddress: string, forwarded?: string) =>
  addresses.of({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } });

describe('an address', () => {
  test.for<[string, string | undefined, string]>([
    ['203.0.113.1', undefined, '203.0.113.1'],
    // Nobody but a trusted proxy speaks for others.
    ['203.0.113.1', '198.51.100.7', '203.0.113.1'],
    ['127.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['127.0.0.1', ' 198.51.100.7 ', '198.51.100.7'],
    ['10.1.1.1', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    ['10.1.1.1', '198.51.100.7,10.2.2.2', '198.51.100.7'],
    ['10.1.1.1', '10.3.3.3,10.2.2.2', '10.3.3.3'],
    // IPv4 in IPv6 is IPv4.
    ['::ffff:127.0.0.1', '::ffff:198.51.100.7', '198.51.100.7'],
    ['::ffff:203.0.113.1', undefined, '203.0.113.1'],
    ['127.0.0.1', '::FFFF:C633:6407', '198.51.100.7'],
    // With a port, in brackets, with a zone.
    ['127.0.0.1', '198.51.100.7:4711', '198.51.100.7'],
    ['127.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['127.0.0.1', '[2001:db8::1]', '2001:db8::1'],
    ['127.0.0.1', '2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['127.0.0.1', 'fe80::1%eth0', 'fe80::1'],
    // What is no address: that of the proxy that passed it on.
    ['127.0.0.1', '', '127.0.0.1'],
    ['127.0.0.1', 'unknown', '127.0.0.1'],
    ['127.0.0.1', '_hidden', '127.0.0.1'],
    ['127.0.0.1', '[198.51.100.7]', '127.0.0.1'],
    ['127.0.0.1', '198.51.100.7.', '127.0.0.1'],
    ['127.0.0.1', '198.51.100.07', '127.0.0.1'],
    ['127.0.0.1', '198.51.100.7:x', '127.0.0.1'],
    ['127.0.0.1', ',', '127.0.0.1'],
    ['127.0.0.1', '198.51.100.7,', '127.0.0.1'],
    ['127.0.0.1', 'x'.repeat(10_000), '127.0.0.1'],
    ['127.0.0.1', `198.51.100.7, <script>`, '127.0.0.1'],
    ['127.0.0.1', 'garbage, 10.2.2.2', '10.2.2.2'],
    ['', undefined, ''],
  ])('%s with %s is %s', ([remote, forwarded, expected]) => {
    expect(from(remote, forwarded)).toBe(expected);
  });

  test('is one, whatever a proxy gets', () => {
    const part = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('unknown', '[', ']:', '%', '::ffff:'),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(isIP(from('127.0.0.1', parts.join(',')))).not.toBe(0);
      }),
    );
  });

  test('of a proxy is no client', () => {
    expect(addresses.isProxy({ remoteAddress: '::ffff:10.0.0.1' })).toBe(true);
    expect(addresses.isProxy({ remoteAddress: '11.0.0.1' })).toBe(false);
    expect(new ClientAddresses([]).isProxy({ remoteAddress: '127.0.0.1' })).toBe(false);
  });
});

test.for([
  ['198.51.100.7', '198.51.100.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
] as const)('%s counts as %s', ([address, expected]) => {
  expect(countedAs(address)).toBe(expected);
});
