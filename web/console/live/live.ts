/** What the live pane shows, and what the others look up in it: kept up to date, or held while it is paused. */
import { batch, effect, signal } from '@preact/signals';
import type { Api } from '../api.ts';
import { isPageVisible } from '../visible.ts';
import { type Journey, withStages } from './journeys.ts';
import { type Series, withTick } from './series.ts';
import { LiveStream } from './stream.ts';
import { countsFrom, type Stage, type Tick } from './tick.ts';

const MAX_DEAD = 50;
/** What waits while it is paused; more than a person will read. */
const MAX_HELD = 2_000;

/** RabbitMQ tells how many lie there a moment late, and is asked every few seconds anyway. */
const COUNT_DEAD_MS = 5_000;

export class Live {
  readonly #api: Api;
  readonly stream: LiveStream;
  /** Since the page was opened. */
  readonly totals = signal(countsFrom(() => 0));
  readonly series = signal<Series>([]);
  readonly connections = signal<number | undefined>(undefined);
  readonly journeys = signal<readonly Journey[]>([]);
  /** That lie there, whoever has seen them; undefined: not known. */
  readonly deadCount = signal<number | undefined>(undefined);
  /** Seen since the page was opened, newest first. */
  readonly dead = signal<readonly Stage[]>([]);
  /** Stages that were counted and not shown. */
  readonly dropped = signal(0);
  readonly isPaused = signal(false);
  /** Stages that came while it is paused. */
  readonly held = signal<readonly Stage[]>([]);

  constructor(api: Api) {
    this.#api = api;
    this.stream = new LiveStream(api, (tick) => batch(() => this.#take(tick)));
    // From before, or after the service was away; others may redrive them meanwhile.
    effect(() => {
      const isConnected = this.stream.state.value.status === 'connected';
      if (!isConnected) this.deadCount.value = undefined;
      // Nobody was asked while nobody looked.
      else if (isPageVisible.value) void this.#countDead();
    });
    setInterval(() => {
      if (this.stream.state.peek().status === 'connected' && isPageVisible.peek()) void this.#countDead();
    }, COUNT_DEAD_MS);
  }

  togglePause(): void {
    batch(() => {
      this.isPaused.value = !this.isPaused.value;
      if (!this.isPaused.value) this.#show(this.held.value);
      this.held.value = [];
    });
  }

  clear(): void {
    batch(() => {
      this.journeys.value = [];
      this.dead.value = [];
      this.dropped.value = 0;
    });
  }

  async #countDead(): Promise<void> {
    this.deadCount.value = await this.#api.deadLetters();
  }

  #take(tick: Tick): void {
    const { counts, connections, samples, dropped } = tick;
    const before = this.totals.value;
    this.totals.value = countsFrom((name) => before[name] + counts[name]);
    this.series.value = withTick(this.series.value, tick, Date.now());
    this.connections.value = connections;
    this.dropped.value += dropped;
    if (this.isPaused.value) this.held.value = [...this.held.value, ...samples].slice(-MAX_HELD);
    else this.#show(samples);
  }

  #show(stages: readonly Stage[]): void {
    if (stages.length === 0) return;
    this.journeys.value = withStages(this.journeys.value, stages);
    const dead = stages.filter(({ stage }) => stage === 'dead').reverse();
    if (dead.length > 0) this.dead.value = [...dead, ...this.dead.value].slice(0, MAX_DEAD);
  }
}
