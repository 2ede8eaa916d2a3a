/** Metrics of the files that are read again while the process runs: what came of it, and what is in use. */
import { Counter, type Family, Gauge } from './instruments.ts';

const FILES = ['routes_file', 'sources_file'] as const;
export type ConfigFileName = (typeof FILES)[number];

const RESULTS = ['taken', 'restored', 'unchanged', 'unreadable', 'invalid', 'refused'] as const;

interface ConfigFileInUse {
  readonly file: ConfigFileName;
  /** Whether what the file says now is in use. */
  readonly isNewest: boolean;
  /** In milliseconds since 1970. */
  readonly usedSinceMs: number;
}

export class ConfigMetrics {
  readonly #reloads = new Counter(
    'carillon_config_reloads_total',
    'Times that a file was read again while the process ran, by what came of it.',
    { file: FILES, result: RESULTS },
  );
  readonly families: readonly Family[];
  #inUse: () => readonly ConfigFileInUse[] = () => [];

  constructor() {
    const gauge = (name: string, help: string, read: (file: ConfigFileInUse) => number) =>
      new Gauge(name, help, ['file'], () =>
        this.#inUse().map((one) => ({ labels: { file: one.file }, value: read(one) })),
      );
    this.families = [
      this.#reloads,
      gauge(
        'carillon_config_newest',
        '1 for each file whose present content is in use, 0 for one that is not used as it is now.',
        ({ isNewest }) => Number(isNewest),
      ),
      gauge(
        'carillon_config_reload_success_timestamp_seconds',
        'When what is in use of a file was read, in seconds since 1970.',
        ({ usedSinceMs }) => usedSinceMs / 1_000,
      ),
    ];
    // Created at once: Prometheus' `increase` does not see the event with which a series begins.
    for (const file of FILES) for (const result of RESULTS) this.#reloads.of({ file, result });
  }

  /** Registers where a scrape reads what is in use. */
  watch(inUse: () => readonly ConfigFileInUse[]): void {
    this.#inUse = inUse;
  }

  reloaded(file: ConfigFileName, result: (typeof RESULTS)[number]): void {
    this.#reloads.of({ file, result }).add();
  }
}
