/**
 * Declares every metric: what is counted and measured here, and what a scrape reads from elsewhere (gauges.ts).
 * docs/observability.md says which question each one answers.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { AudienceKind } from '../contract/audience.ts';
import { type Omission, omissionReasons, shownFields } from '../contract/display.ts';
import { connectionCodes } from '../contract/problem.ts';
import { type RefusalCode, refusalCodes } from '../contract/refusal.ts';
import { type SignalName, signalSchemas } from '../contract/signal.ts';
import { goawayCodes, handshakeErrorCodes } from '../contract/socket.ts';
import { ConfigMetrics } from './config-metrics.ts';
import { gaugesOf, LOG_LINES_LOST, type NodeInfo, type Sources } from './gauges.ts';
import { Counter, type Family, Histogram, metricsTextOf } from './instruments.ts';
import { SharedLimitMetrics } from './shared-limit-metrics.ts';

const refusalsOfConnections = [
  ...Object.keys(connectionCodes),
  ...Object.keys(handshakeErrorCodes),
  // For a client that sends too much before its session has begun.
  'rate_limited',
];

const RECOVERIES = ['current', 'recovered', 'part', 'too_many', 'too_large', 'rate_limited', 'lost'] as const;
export type RecoveryResult = (typeof RECOVERIES)[number];

/** `cost`: the user's budget was spent. `waiting`: too many of the user's requests waited already. */
const REQUEST_REFUSALS = ['cost', 'waiting'] as const;

const SIGNAL_OUTCOMES = ['published', 'unrouted', 'dropped'] as const;

function byKind<T>(make: (kind: AudienceKind) => T): Readonly<Record<AudienceKind, T>> {
  return { user: make('user'), department: make('department'), topic: make('topic'), global: make('global') };
}

const kind = Object.keys(byKind((name) => name));

export class Metrics {
  readonly config = new ConfigMetrics();
  readonly #events = new Counter('carillon_events_total', 'Events settled by the consumer.', {
    outcome: ['ack', 'release', 'dead-letter'],
  });
  readonly #deadLetters = new Counter('carillon_dead_letters_total', 'Events that became dead letters.', {
    reason: Object.keys(refusalCodes),
  });
  readonly #omissions = new Counter(
    'carillon_display_omissions_total',
    'Fields, or languages of one, that routes could not show of an event.',
    { field: shownFields, reason: omissionReasons },
  );
  readonly #appends = new Counter('carillon_appends_total', 'Entries handed to inboxes.', {
    kind,
    result: ['new', 'repeat'],
  });
  readonly #held = new Counter('carillon_appends_held_total', 'Attempts to append that failed and wait.', {});
  readonly #appendDurations = new Histogram(
    'carillon_append_duration_seconds',
    'From when the consumer received an event to when an inbox had it.',
    { kind },
  );
  readonly #deliveries = new Counter('carillon_deliveries_total', 'Notifications written to sockets.', {
    kind,
  });
  readonly #deliveryDurations = new Histogram(
    'carillon_delivery_duration_seconds',
    'From when an event was published to when this node wrote its notification to its sockets.',
    { kind },
  );
  readonly #healed = new Counter(
    'carillon_feed_heals_total',
    'Times a feed read from the log what Pub/Sub lost.',
    { kind },
  );
  readonly #recoveries = new Counter(
    'carillon_recoveries_total',
    'Cursors that clients came back with, by what could be made of them.',
    { result: RECOVERIES },
  );
  readonly #recovered = new Counter(
    'carillon_recovered_notifications_total',
    'Notifications sent to clients that had missed them.',
    {},
  );
  readonly #requestCost = new Counter('carillon_request_cost_total', "Units that users' requests cost.", {});
  readonly #requestsRefused = new Counter(
    'carillon_requests_refused_total',
    "Users' requests that were refused as rate_limited.",
    { reason: REQUEST_REFUSALS },
  );
  readonly sharedLimits = new SharedLimitMetrics();
  readonly #canaries = new Histogram(
    'carillon_canary_round_trip_seconds',
    'From when a gateway sent itself a canary to when it came back.',
    {},
  );
  readonly #signals = new Counter('carillon_signals_total', 'Signals to other services.', {
    type: Object.keys(signalSchemas),
    outcome: SIGNAL_OUTCOMES,
  });
  readonly #connections = new Counter(
    'carillon_connections_total',
    'Socket connections, with the code when this node refused or closed them.',
    {
      outcome: ['accepted', 'refused', 'closed'],
      code: ['', ...refusalsOfConnections, ...Object.keys(goawayCodes)],
    },
  );
  readonly #process = new Histogram(
    'messaging_process_duration_seconds',
    'From when the consumer received an event to when it was settled.',
    {
      messaging_system: ['rabbitmq'],
      messaging_operation_name: ['process'],
      messaging_destination_name: ['carillon.deliver'],
    },
  );
  readonly #publish = new Histogram(
    'messaging_client_operation_duration_seconds',
    'How long RabbitMQ took to confirm an event that came over HTTP or from a client.',
    {
      messaging_system: ['rabbitmq'],
      messaging_operation_name: ['publish'],
      messaging_destination_name: ['carillon.events'],
      error_type: ['', 'broker_unavailable'],
    },
  );
  readonly #defaults = new Registry();
  readonly #families: readonly Family[];
  #sources: Partial<Sources> = {};
  #connected = 0;

  readonly #settledBy = {
    ack: this.#events.of({ outcome: 'ack' }),
    release: this.#events.of({ outcome: 'release' }),
    'dead-letter': this.#events.of({ outcome: 'dead-letter' }),
  };
  readonly #appendsOf = byKind((kind) => ({
    new: this.#appends.of({ kind, result: 'new' }),
    repeat: this.#appends.of({ kind, result: 'repeat' }),
    durations: this.#appendDurations.of({ kind }),
  }));
  readonly #deliveriesOf = byKind((kind) => ({
    count: this.#deliveries.of({ kind }),
    durations: this.#deliveryDurations.of({ kind }),
    heals: this.#healed.of({ kind }),
  }));
  readonly #processed = this.#process.of({
    messaging_system: 'rabbitmq',
    messaging_operation_name: 'process',
    messaging_destination_name: 'carillon.deliver',
  });

  constructor(info: NodeInfo) {
    collectDefaultMetrics({ register: this.#defaults });
    this.#families = [
      this.#events,
      this.#deadLetters,
      this.#omissions,
      this.#appends,
      this.#held,
      this.#appendDurations,
      this.#deliveries,
      this.#deliveryDurations,
      this.#healed,
      this.#recoveries,
      this.#recovered,
      this.#requestCost,
      this.#requestsRefused,
      this.sharedLimits.family,
      this.#canaries,
      this.#signals,
      this.#connections,
      this.#process,
      this.#publish,
      ...this.config.families,
      LOG_LINES_LOST,
      ...gaugesOf(
        info,
        () => this.#sources,
        () => this.#connected,
      ),
    ];
    // Created at once: Prometheus' `increase` does not see the event with which a series begins.
    this.#held.of({});
    this.#recovered.of({});
    this.#requestCost.of({});
    for (const reason of REQUEST_REFUSALS) this.#requestsRefused.of({ reason });
    for (const reason of Object.keys(refusalCodes)) this.#deadLetters.of({ reason });
    for (const field of shownFields)
      for (const reason of omissionReasons) this.#omissions.of({ field, reason });
    for (const result of RECOVERIES) this.#recoveries.of({ result });
    for (const type of Object.keys(signalSchemas))
      for (const outcome of SIGNAL_OUTCOMES) this.#signals.of({ type, outcome });
    this.#connections.of({ outcome: 'accepted', code: '' });
    for (const code of refusalsOfConnections) this.#connections.of({ outcome: 'refused', code });
    for (const code of ['', ...Object.keys(goawayCodes)]) this.#connections.of({ outcome: 'closed', code });
    for (const error of ['', 'broker_unavailable']) this.#published(error);
  }

  /** Registers where a scrape reads what is not counted here. */
  watch(sources: Partial<Sources>): void {
    this.#sources = { ...this.#sources, ...sources };
  }

  settled(outcome: 'ack' | 'release'): void {
    this.#settledBy[outcome].add();
  }

  deadLettered(reason: RefusalCode): void {
    this.#settledBy['dead-letter'].add();
    this.#deadLetters.of({ reason }).add();
  }

  omitted(omissions: readonly Omission[]): void {
    for (const { field, why } of omissions) this.#omissions.of({ field, reason: why }).add();
  }

  processed(ms: number): void {
    this.#processed.observe(ms);
  }

  published(ms: number, error: '' | 'broker_unavailable'): void {
    this.#published(error).observe(ms);
  }

  appended(kind: AudienceKind, repeat: boolean, ms: number): void {
    const appends = this.#appendsOf[kind];
    (repeat ? appends.repeat : appends.new).add();
    appends.durations.observe(ms);
  }

  appendHeld(): void {
    this.#held.of({}).add();
  }

  /** `publishedAtMs`: undefined for a notification that was read from a log. */
  delivered(kind: AudienceKind, sockets: number, publishedAtMs: number | undefined, nowMs: number): void {
    const deliveries = this.#deliveriesOf[kind];
    deliveries.count.add(sockets);
    if (publishedAtMs !== undefined && sockets > 0) deliveries.durations.observe(nowMs - publishedAtMs);
  }

  healed(kind: AudienceKind): void {
    this.#deliveriesOf[kind].heals.add();
  }

  recovered(result: RecoveryResult, notifications: number): void {
    this.#recoveries.of({ result }).add();
    this.#recovered.of({}).add(notifications);
  }

  requestCost(units: number): void {
    this.#requestCost.of({}).add(units);
  }

  requestRefused(reason: (typeof REQUEST_REFUSALS)[number]): void {
    this.#requestsRefused.of({ reason }).add();
  }

  canaryArrived(ms: number): void {
    this.#canaries.of({}).observe(ms);
  }

  signal(type: SignalName, outcome: (typeof SIGNAL_OUTCOMES)[number]): void {
    this.#signals.of({ type, outcome }).add();
  }

  connection(outcome: 'accepted' | 'refused' | 'closed', code: string): void {
    this.#connections.of({ outcome, code }).add();
    if (outcome === 'accepted') this.#connected += 1;
    if (outcome === 'closed') this.#connected -= 1;
  }

  /** How many connections this process has. */
  get connected(): number {
    return this.#connected;
  }

  /** Carillon's own, without those of Node and of the process. */
  get families(): readonly Family[] {
    return this.#families;
  }

  /** The exposition text, with its content type. */
  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    const [own, defaults] = await Promise.all([metricsTextOf(this.#families), this.#defaults.metrics()]);
    return { contentType: this.#defaults.contentType, text: `${own}\n${defaults}` };
  }

  #published(error: string) {
    return this.#publish.of({
      messaging_system: 'rabbitmq',
      messaging_operation_name: 'publish',
      messaging_destination_name: 'carillon.events',
      error_type: error,
    });
  }
}
