/** The way without RabbitMQ: events by `POST /v1/events`, and signals of embedded mode as server-sent events. */
import { AbortError } from 'p-retry';
import { readSignal } from './broker.ts';
import type { Link } from './link.ts';

export function connectHttp(url: string, token: () => Promise<string>): Link {
  const closing = new AbortController();
  return {
    async publish(event) {
      const response = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents+json',
          authorization: `Bearer ${await token()}`,
        },
        body: JSON.stringify(event),
      });
      if (response.ok) return;
      const why = `the event was not accepted: ${response.status} ${await response.text()}`;
      // The event is at fault: it would be refused again.
      if (response.status < 500 && response.status !== 429) throw new AbortError(why);
      throw new Error(why);
    },
    async signals(onSignal) {
      const { ok, status, body } = await fetch(`${url}/demo/signals`, { signal: closing.signal });
      if (!ok || body === null) throw new Error(`no signals from ${url}: ${status}`);
      void readStream(body, (text) => onSignal(readSignal(text))).catch((error) => {
        if (!closing.signal.aborted) console.error(`signals ended: ${error}`);
      });
    },
    async close() {
      closing.abort();
    },
  };
}

/** Tells the `data` of each server-sent event. */
async function readStream(body: ReadableStream<Uint8Array>, onData: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const messages = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const data = message.split('\n').filter((line) => line.startsWith('data:'));
      if (data.length > 0) onData(data.map((line) => line.slice('data:'.length).trimStart()).join('\n'));
    }
  }
}
