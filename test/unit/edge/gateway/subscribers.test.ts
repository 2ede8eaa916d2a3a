/** A feed's subscribers are what a Map would be, after any calls. */

import { expect, test } from 'vitest';
import type { Subscriber } from '../../../../src/edge/gateway/subscriber.ts';
import { Subscribers } from '../../../../src/edge/gateway/subscribers.ts';
import fc from '../../../support/fast-check.ts';

const someone = (): Subscriber => ({ write: () => {}, resync: () => {} });

const callArb = fc.record({
  call: fc.constantFrom('set', 'set', 'set', 'delete', 'clear'),
  id: fc.constantFrom('a', 'b', 'c'),
});

test('like a Map, whoever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(callArb), (calls) => {
      const subscribers = new Subscribers();
      const map = new Map<string, Subscriber>();
      for (const { call, id } of calls) {
        if (call === 'set') {
          const subscriber = someone();
          subscribers.set(id, subscriber);
          map.set(id, subscriber);
        } else if (call === 'delete') {
          subscribers.delete(id);
          map.delete(id);
        } else {
          subscribers.clear();
          map.clear();
        }
        expect(subscribers.size).toBe(map.size);
        expect([...subscribers]).toEqual([...map]);
        expect([...subscribers.keys()]).toEqual([...map.keys()]);
        expect([...subscribers.values()]).toEqual([...map.values()]);
        for (const one of ['a', 'b', 'c']) {
          expect(subscribers.get(one)).toBe(map.get(one));
          expect(subscribers.has(one)).toBe(map.has(one));
        }
      }
    }),
  );
});
