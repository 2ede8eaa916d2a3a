/**
 * A process in place of a gateway. It subscribes to `global`, and reports to its parent when each notification arrived.
 * The times come from the machine's monotonic clock, which all processes share. It reports several at once, so that the
 * reports do not become the load.
 */
import { decodeLiveMessage } from '../../../src/pipeline/inbox/live-message.ts';
import { channelFor, openSubscriber } from './connections.ts';

const TELL_AFTER_MS = 5;

const [, , url = ''] = process.argv;
let untold: { offset: number; atMicros: number }[] = [];
const subscriber = await openSubscriber(url);
subscriber.on('smessageBuffer', (_channel: Buffer, bytes: Buffer) => {
  const atMicros = nowMicros();
  const offset = decodeLiveMessage(bytes)?.offset;
  if (offset === undefined) return;
  if (untold.length === 0) setTimeout(tell, TELL_AFTER_MS);
  untold.push({ offset, atMicros });
});
await subscriber.ssubscribe(channelFor('global'));
process.send?.('subscribed');
process.once('disconnect', () => process.exit(0));

function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function tell(): void {
  process.send?.(untold);
  untold = [];
}
