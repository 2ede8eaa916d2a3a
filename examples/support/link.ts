/** How a story's services talk to Carillon. */

/** A CloudEvent; what is left out of `specversion`, `id`, `source` and `time` is filled in. */
export interface StoryEvent {
  readonly type: string;
  readonly id?: string;
  readonly audience?: string | readonly string[];
  readonly data?: Readonly<Record<string, unknown>>;
  readonly [attribute: string]: unknown;
}

/** A CloudEvent that Carillon itself publishes: docs/signals.md lists them. */
export interface Signal {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How services talk to Carillon: over RabbitMQ, or over HTTP where there is none. */
export interface Link {
  /** Resolves once the event will not be lost. A rejection with `AbortError` is for good. */
  publish(event: StoryEvent): Promise<void>;
  /** Resolves when the listening is in force. */
  signals(onSignal: (signal: Signal) => void): Promise<void>;
  close(): Promise<void>;
}
