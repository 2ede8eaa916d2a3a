/**
 * Activity: what happens to events in all processes, as the console shows it. While nobody watches, nothing is
 * collected and nothing is sent. It is for watching and not for counting: stages may be lost, and nothing ever waits
 * for it.
 */
import type { Stage, StageCounts, StageName, Tick } from '../../contract/console.ts';

/** What a sample shows of a stage besides its time and its node. */
type Shown = Omit<Stage, 'stage' | 'atMs' | 'node'>;

export type Seen =
  | {
      readonly stage: StageName;
      /** How much this counts: the sockets of a delivery, 1 for every other stage. */
      readonly amount: number;
      /** From publishing to the write to sockets. */
      readonly latencyMs?: number | undefined;
      /** Called synchronously or not at all: most stages of a busy tick are only counted. MUST NOT throw. */
      readonly show: () => Shown;
    }
  | { readonly stage: Exclude<keyof StageCounts, StageName>; readonly amount: number };

/** Embedded mode has one for its process (memory-activity.ts). redis-activity.ts joins all processes. */
export interface Activity {
  /** Whether anybody watches, in any process. Code that must do work to describe a stage checks this first. */
  readonly isWatched: boolean;

  /** Records a stage. Cheap, never throws, and does nothing while nobody watches. */
  record(seen: Seen): void;

  /** Registers how to count this process's connections. A process with sockets MUST call this before it records. */
  setConnectionCount(connections: () => number): void;

  /**
   * Calls `listener` with what happened in all processes: first within a moment, and then at most once every TICK_MS
   * when there is something new. It MUST stay silent while it cannot know, and resume by itself. Returns a function
   * that stops it.
   */
  watch(listener: (tick: Tick) => void): () => void;

  /** Stops everything; no listener is called any more. */
  close(): void;
}
