/**
 * A process that stands for a gateway: it subscribes to `global` and tells its parent when each notification came.
 * Times are of the machine's monotonic clock, which all processes share. It tells several at once, so that telling
 * does not become the load.
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
