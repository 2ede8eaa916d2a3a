/** The live stream: read as long as the page is there, and taken up again when it breaks off. */
import { signal } from '@preact/signals';
import type { Api } from '../api.ts';
import { readProblem } from '../problem.ts';
import { SseParser } from '../sse.ts';
import { readTick, type Tick } from './tick.ts';

export type StreamState =
  | { readonly status: 'connecting' }
  | { readonly status: 'connected' }
  | { readonly status: 'waiting'; readonly retryAt: number }
  | { readonly status: 'refused'; readonly code: string };

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 15_000;
/** The service sends a comment every 10 s: after this it is not there any more. */
const SILENCE_MS = 25_000;

export class LiveStream {
  readonly state = signal<StreamState>({ status: 'connecting' });
  readonly #api: Api;
  readonly #onTick: (tick: Tick) => void;
  #reading = new AbortController();
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api, onTick: (tick: Tick) => void) {
    this.#api = api;
    this.#onTick = onTick;
  }

  /** Also again, after it was refused or when somebody does not want to wait. */
  start(): void {
    clearTimeout(this.#timer);
    this.#reading.abort();
    this.#reading = new AbortController();
    void this.#run(this.#reading);
  }

  async #run(reading: AbortController): Promise<void> {
    this.state.value = { status: 'connecting' };
    try {
      const response = await this.#api.live(reading.signal);
      if (response.ok && response.body !== null) await this.#read(response.body, reading);
      else if (response.status === 401 || response.status === 403) {
        const problem = readProblem(response.status, await response.json().catch(() => undefined));
        this.state.value = { status: 'refused', code: problem.code };
        this.#api.refusal.value = problem;
        return;
      }
    } catch {
      // Not reached or broken off: that it is tried again is all there is to say.
    }
    if (reading === this.#reading) this.#wait();
  }

  async #read(body: ReadableStream<Uint8Array>, reading: AbortController): Promise<void> {
    const parser = new SseParser();
    const decoder = new TextDecoder();
    const reader = body.getReader();
    this.#failures = 0;
    this.state.value = { status: 'connected' };
    for (;;) {
      const silence = setTimeout(() => reading.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      for (const { event, data } of parser.push(decoder.decode(value, { stream: true }))) {
        const tick = event === 'tick' ? readTick(data) : undefined;
        if (tick !== undefined) this.#onTick(tick);
      }
    }
  }

  #wait(): void {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, MAX_PAUSE_MS);
    this.#failures += 1;
    this.state.value = { status: 'waiting', retryAt: Date.now() + pauseMs };
    this.#timer = setTimeout(() => this.start(), pauseMs);
  }
}
