/** Metrics, in Prometheus' names and units. No label's values grow with users. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { AudienceKind } from '../contract/audience.ts';
import type { RefusalCode } from '../contract/refusal.ts';

export class Metrics {
  readonly #registry = new Registry();
  readonly #events = this.#counter('carillon_events_total', 'Events settled by the consumer.', ['outcome']);
  readonly #deadLetters = this.#counter('carillon_dead_letters_total', 'Events that became dead letters.', [
    'reason',
  ]);
  readonly #appends = this.#counter('carillon_appends_total', 'Entries handed to inboxes.', [
    'kind',
    'result',
  ]);
  readonly #held = this.#counter(
    'carillon_appends_held_total',
    'Attempts to append that failed and wait.',
    [],
  );
  readonly #deliveries = this.#counter('carillon_deliveries_total', 'Notifications written to sockets.', [
    'kind',
  ]);
  readonly #healed = this.#counter(
    'carillon_feed_heals_total',
    'Times a feed read from the log what Pub/Sub lost.',
    ['kind'],
  );
  readonly #connections = this.#counter(
    'carillon_connections_total',
    'Socket connections, with the code when this node refused or closed them.',
    ['outcome', 'code'],
  );
  readonly #connected = new Gauge({
    name: 'carillon_connected_sockets',
    help: 'Sockets connected now.',
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  settled(outcome: 'ack' | 'release'): void {
    this.#events.inc({ outcome });
  }

  deadLettered(reason: RefusalCode): void {
    this.#events.inc({ outcome: 'dead-letter' });
    this.#deadLetters.inc({ reason });
  }

  appended(kind: AudienceKind, repeat: boolean): void {
    this.#appends.inc({ kind, result: repeat ? 'repeat' : 'new' });
  }

  appendHeld(): void {
    this.#held.inc();
  }

  delivered(kind: AudienceKind, sockets: number): void {
    this.#deliveries.inc({ kind }, sockets);
  }

  healed(kind: AudienceKind): void {
    this.#healed.inc({ kind });
  }

  connection(outcome: 'accepted' | 'refused' | 'closed', code: string): void {
    this.#connections.inc({ outcome, code });
    if (outcome === 'accepted') this.#connected.inc();
    if (outcome === 'closed') this.#connected.dec();
  }

  /** The exposition text, with its content type. */
  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }
}
