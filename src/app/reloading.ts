/**
 * ROUTES_FILE and SOURCES_FILE, read again while the process runs: by itself soon after they change, and at once when
 * an operator asks for it (SIGHUP). What cannot be used is logged, counted and shown in readiness, and what was read before stays in use.
 */
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { PartHealth } from '../contract/health.ts';
import type { ConfigFileName, ConfigMetrics } from '../observe/config-metrics.ts';
import type { Probe } from '../observe/health.ts';
import { type Reload, ReloadedFile } from '../pipeline/reloaded-file.ts';
import type { Route } from '../pipeline/routing/route.ts';
import { parseRoutes } from '../pipeline/routing/routes-file.ts';
import type { Source } from '../pipeline/sources/source.ts';
import { parseSources } from '../pipeline/sources/sources-file.ts';
import { jittered } from '../resilience/jitter.ts';
import { faultOf } from '../resilience/unavailable.ts';

/** New content counts after two looks. */
const LOOK_MS = 2_000;

/** A file of another kind, put there by mistake, has a fault in each line. */
const MAX_FAULTS_LOGGED = 20;
const MAX_FAULT_SHOWN = 300;

/** Each undefined when its variable is not set. */
export interface ConfigFiles {
  readonly routes: ReloadedFile<readonly Route[]> | undefined;
  readonly sources: ReloadedFile<readonly Source[]> | undefined;
}

/**
 * @throws {FileError} when one is malformed
 * @throws the system's error when one cannot be read
 */
export function readConfigFiles({ ROUTES_FILE, SOURCES_FILE }: Config): ConfigFiles {
  return {
    routes:
      ROUTES_FILE === undefined ? undefined : new ReloadedFile({ path: ROUTES_FILE, parse: parseRoutes }),
    sources:
      SOURCES_FILE === undefined ? undefined : new ReloadedFile({ path: SOURCES_FILE, parse: parseSources }),
  };
}

export interface ReloadingOptions {
  readonly files: ConfigFiles;
  readonly useRoutes: (routes: readonly Route[]) => void;
  readonly useSources: (sources: readonly Source[]) => Promise<void>;
  readonly log: Logger;
  readonly metrics: Pick<ConfigMetrics, 'watch' | 'reloaded'>;
}

interface Followed {
  readonly name: ConfigFileName;
  readonly file: Pick<ReloadedFile<unknown>, 'path' | 'text' | 'faults'>;
  readonly look: (isRequested: boolean) => Promise<Reload | undefined>;
  /** When what is in use was read, in milliseconds since 1970. */
  usedSinceMs: number;
}

export class Reloading {
  readonly #options: ReloadingOptions;
  readonly #followed: readonly Followed[];
  #timer: NodeJS.Timeout | undefined;
  /** One look at a time. */
  #looking: Promise<void> = Promise.resolve();
  /** A look was asked for, and has not begun. */
  #isRequested = false;
  #isClosed = false;

  constructor(options: ReloadingOptions) {
    this.#options = options;
    const { files, useRoutes, useSources, metrics } = options;
    const { routes, sources } = files;
    this.#followed = [
      ...(routes === undefined ? [] : [followed('routes_file', routes, async (value) => useRoutes(value))]),
      ...(sources === undefined ? [] : [followed('sources_file', sources, useSources)]),
    ];
    metrics.watch(() =>
      this.#followed.map(({ name, file, usedSinceMs }) => ({
        file: name,
        isNewest: file.faults.length === 0,
        usedSinceMs,
      })),
    );
  }

  /** Of each file. Always ok: events get through by what was read before. */
  get probes(): Readonly<Record<string, Probe>> {
    return Object.fromEntries(this.#followed.map((one) => [one.name, () => healthOf(one)]));
  }

  start(): void {
    if (this.#followed.length > 0) this.#lookLater();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Looks at each file at once, or after the look that is under way. Does nothing after {@link close}. Never rejects. */
  async reload(): Promise<void> {
    const { log } = this.#options;
    if (this.#isClosed) return;
    if (this.#followed.length === 0) log.info('nothing to read again: no ROUTES_FILE and no SOURCES_FILE');
    this.#isRequested = true;
    await this.#look();
  }

  #look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const isRequested = this.#isRequested;
      this.#isRequested = false;
      for (const one of this.#followed) if (!this.#isClosed) await this.#lookAt(one, isRequested);
    });
    return this.#looking;
  }

  #lookLater(): void {
    this.#timer = setTimeout(async () => {
      await this.#look();
      if (!this.#isClosed) this.#lookLater();
    }, jittered(LOOK_MS));
    this.#timer.unref();
  }

  async #lookAt(one: Followed, isRequested: boolean): Promise<void> {
    try {
      const reload = await one.look(isRequested);
      if (reload !== undefined) this.#tell(one, reload);
    } catch (error) {
      const { name, file } = one;
      this.#options.log.error({ file: name, path: file.path, ...faultOf(error) }, 'a file cannot be used');
    }
  }

  #tell(one: Followed, reload: Reload): void {
    const { log, metrics } = this.#options;
    const { name, file } = one;
    const about = { file: name, path: file.path, hash: hashOf(file.text) };
    metrics.reloaded(name, reload.result);
    switch (reload.result) {
      case 'taken':
        one.usedSinceMs = Date.now();
        log.info(about, 'the file has changed, and is in use');
        break;
      case 'restored':
        log.info(about, 'the file says again what is in use');
        break;
      case 'unchanged':
        log.info(about, 'the file has not changed');
        break;
      default: {
        const { result, faults } = reload;
        const fault = { code: 'config_not_reloaded', result, count: faults.length };
        log.error(
          { ...fault, faults: faults.slice(0, MAX_FAULTS_LOGGED), ...about },
          'the file has changed and is not used; what was read before stays in use',
        );
      }
    }
  }
}

function followed<Value>(
  name: ConfigFileName,
  file: ReloadedFile<Value>,
  take: (value: Value) => Promise<void>,
): Followed {
  return { name, file, look: (isRequested) => file.look(take, isRequested), usedSinceMs: Date.now() };
}

function healthOf({ file: { faults }, usedSinceMs }: Followed): PartHealth {
  const [first, ...others] = faults;
  if (first === undefined) return { ok: true };
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const since = new Date(usedSinceMs).toISOString();
  return {
    ok: true,
    reason: `what was read at ${since} is in use: ${first.slice(0, MAX_FAULT_SHOWN)}${more}`,
  };
}

/** So that an operator can compare what processes use, and with `sha256sum`. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
