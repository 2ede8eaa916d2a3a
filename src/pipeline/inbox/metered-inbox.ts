/** An inbox as one request reads it: what is read is charged to it, and what decides over whole logs is read once. */
import type { Audience } from '../../contract/audience.ts';
import type { Inbox, Shadows } from './inbox.ts';
import { costOfRead, type Meter } from './meter.ts';

export type ReadInbox = Pick<
  Inbox,
  'heads' | 'read' | 'readNewest' | 'readEnvelopes' | 'shadows' | 'incarnations'
>;

/** Places are short, and many come in one answer. */
const SHADOWS_PER_UNIT = 10;

/** `meter` undefined: nobody is charged. */
export function meteredInbox(inbox: ReadInbox, meter: Meter | undefined): ReadInbox {
  const shadows = new Map<Audience, Promise<Shadows>>();
  const charged = async <Entry extends { readonly json: string }>(reading: Promise<readonly Entry[]>) => {
    const entries = await reading;
    // One more: an answer without entries is one too.
    meter?.spend(1 + costOfRead(entries));
    return entries;
  };
  const readShadows = async (audience: Audience) => {
    const read = await inbox.shadows(audience);
    meter?.spend(1 + (read.newest.size + read.retracted.size) / SHADOWS_PER_UNIT);
    return read;
  };
  return {
    heads: (audiences) => inbox.heads(audiences),
    incarnations: (audience) => inbox.incarnations(audience),
    read: (...range) => charged(inbox.read(...range)),
    readNewest: (...range) => charged(inbox.readNewest(...range)),
    readEnvelopes: (...range) => charged(inbox.readEnvelopes(...range)),
    shadows: (audience) => {
      const known = shadows.get(audience) ?? readShadows(audience);
      shadows.set(audience, known);
      return known;
    },
  };
}
