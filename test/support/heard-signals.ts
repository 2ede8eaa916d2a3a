/** Records the signals that a listener received, in order, over any transport. */
import { z } from 'zod';
import { follow } from './contracts/findings.ts';
import { checkSignal } from './contracts/watch.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 60_000;

const eventSchema = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  data: z.looseObject({ user: z.string().optional() }),
});

type SignalEvent = z.infer<typeof eventSchema>;

export class HeardSignals {
  readonly signals: SignalEvent[] = [];

  /** `text`: the JSON of the CloudEvent. */
  take(text: string): void {
    follow(checkSignal(text));
    this.signals.push(eventSchema.parse(JSON.parse(text)));
  }

  of(user: string): readonly SignalEvent[] {
    return this.signals.filter(({ data }) => data.user === user);
  }

  /** The types and data of the signals about a user. */
  told(user: string): readonly (readonly [string, unknown])[] {
    return this.of(user).map(({ type, data }) => [type, data]);
  }

  /** Resolves once `count` signals about the user have arrived. */
  async heard(user: string, count = 1): Promise<readonly SignalEvent[]> {
    await until(`${count} signals of ${user}`, TIMEOUT_MS, () => this.of(user).length >= count);
    return this.of(user);
  }
}
