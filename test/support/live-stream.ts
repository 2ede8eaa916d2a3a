/** Reads the console's live stream as the console's page does. */
import { type Stage, type StageCounts, type Tick, tickSchema } from '../../src/contract/console.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;

export interface LiveStream {
  readonly headers: Headers;
  readonly ticks: readonly Tick[];
  /** How many comments have arrived. */
  readonly comments: number;
  /** Resolves when the stream has ended: `complete` at its regular end, `broken` if the connection was cut. */
  readonly ended: Promise<'complete' | 'broken'>;
  /** The stages of one event, in order of arrival. Resolves when `count` of them have arrived. */
  stagesOf(id: string, count: number): Promise<readonly Stage[]>;
  sumOf(count: keyof StageCounts): number;
  /** Closes the connection abruptly. */
  close(): void;
}

export function askLive(origin: string, token?: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${origin}/console/live`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: signal ?? null,
  });
}

/** Resolves with the first tick. Everything that happens after that is in the stream. */
export async function openLive(origin: string, token?: string): Promise<LiveStream> {
  const leaving = new AbortController();
  const response = await askLive(origin, token, leaving.signal);
  if (response.status !== 200 || response.body === null)
    throw new Error(`${response.status}: ${await response.text()}`);
  const ticks: Tick[] = [];
  let comments = 0;
  const read = async (body: ReadableStream<Uint8Array>) => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      const messages = `${text}${decoder.decode(bytes, { stream: true })}`.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) {
        const data = /^event: tick\ndata: (.*)$/.exec(message)?.[1];
        if (data === undefined) comments += 1;
        else ticks.push(tickSchema.parse(JSON.parse(data)));
      }
    }
  };
  const ended = read(response.body).then(
    () => 'complete' as const,
    () => 'broken' as const,
  );
  const stages = () => ticks.flatMap(({ samples }) => samples);
  const stream: LiveStream = {
    headers: response.headers,
    ticks,
    ended,
    get comments() {
      return comments;
    },
    stagesOf: async (id, count) => {
      const own = () => stages().filter(({ event }) => event.id === id);
      await until(`${count} stages of ${id}`, TIMEOUT_MS, () => own().length >= count);
      return own();
    },
    sumOf: (count) => ticks.reduce((sum, { counts }) => sum + counts[count], 0),
    close: () => leaving.abort(),
  };
  await until('the first tick', TIMEOUT_MS, () => ticks.length > 0);
  return stream;
}
