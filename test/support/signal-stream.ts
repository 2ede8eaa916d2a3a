/** Reads the signals of embedded mode as Server-Sent Events, as the examples do. */
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { HeardSignals } from './heard-signals.ts';

export class SignalStream extends HeardSignals {
  readonly headers: Readonly<Record<string, unknown>>;
  /** Lines that are neither a signal nor empty. */
  readonly others: string[] = [];
  /** Resolves when the service has ended the answer. Rejects when the connection was cut. */
  readonly ended: Promise<void>;
  readonly close: () => void;

  private constructor(stream: Opened) {
    super();
    const { response, close } = stream;
    this.headers = response.headers;
    this.close = close;
    const lines = createInterface({ input: response });
    // The reader repeats the error of the answer, which `ended` reports already.
    lines.on('error', () => {});
    lines.on('line', (line) => {
      if (line.startsWith('data: ')) this.take(line.slice('data: '.length));
      else if (line !== '') this.others.push(line);
    });
    this.ended = new Promise((resolve, reject) => {
      response.once('end', resolve);
      response.once('error', reject);
    });
    this.ended.catch(() => {});
  }

  /** `url`: the service's URL. Resolves when the service has begun to answer. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<SignalStream> {
    return new SignalStream(await open(`${url}/demo/signals`, headers));
  }
}

interface Opened {
  readonly response: NodeJS.ReadableStream & { readonly headers: Readonly<Record<string, unknown>> };
  close(): void;
}

function open(url: string, headers: Record<string, string>): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (response) =>
      resolve({ response, close: () => void asked.destroy() }),
    );
    asked.once('error', reject);
    asked.end();
  });
}
