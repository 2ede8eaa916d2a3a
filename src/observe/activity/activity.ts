/**
 * Activity: what happens to events in all processes, for whoever watches. While nobody does, nothing is collected and
 * nothing is sent. It is for looking, not for counting: what is seen may be lost, and nothing ever waits for it.
 */
import type { Stage, StageCounts, StageName, Tick } from '../../contract/console.ts';

/** What a sample shows of a stage, besides where and when. */
type Shown = Omit<Stage, 'stage' | 'atMs' | 'node'>;

export type Seen =
  | {
      readonly stage: StageName;
      /** How much it counts for: a delivery its sockets, all others 1. */
      readonly amount: number;
      /** From published to written to sockets. */
      readonly latencyMs?: number | undefined;
      /** Called at once or never: most stages of a busy tick are counted only. MUST NOT throw. */
      readonly show: () => Shown;
    }
  | { readonly stage: Exclude<keyof StageCounts, StageName>; readonly amount: number };

/** One implementation stays in this process (memory-activity.ts), one joins all of them (redis-activity.ts). */
export interface Activity {
  /** Whether anybody watches, in any process. For those whose stage is work to describe: they ask before. */
  readonly isWatched: boolean;

  /** Cheap, never throws, and does nothing while nobody watches. */
  record(seen: Seen): void;

  /** MUST be called by a process that has sockets, before anything is recorded. */
  tellConnections(connections: () => number): void;

  /**
   * Calls `listener` with what happened in all processes, at most once every TICK_MS, first within a moment and then
   * whenever something did. It MUST say nothing while it cannot know, and go on by itself. Returns what ends it.
   */
  watch(listener: (tick: Tick) => void): () => void;

  /** Ends everything; nobody is called any more. */
  close(): void;
}
