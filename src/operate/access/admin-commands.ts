/**
 * Follows the log of commands: hands each to whoever obeys, and knows whose tokens are revoked. Until the log was read
 * once nobody can know that, and nobody is let in.
 */

import type { Identity } from '../../contract/token.ts';
import { jittered } from '../../resilience/jitter.ts';
import type { AdminCommand, Directing, Obey } from './admin-command.ts';
import type { AdminCommandLog, CommandPlace } from './admin-command-log.ts';

export interface AdminCommandsOptions {
  readonly log: AdminCommandLog;
  /** How often the log is looked at even when nobody says that there is more. */
  readonly checkMs: number;
  /** The log could not be read; it is tried again. */
  readonly onError: (error: unknown) => void;
}

export class AdminCommands implements Directing {
  readonly #options: AdminCommandsOptions;
  readonly #revokedBeforeMs = new Map<string, number>();
  readonly #erasedBeforeMs = new Map<string, number>();
  readonly #obeying: Obey[] = [];
  #place: CommandPlace | undefined;
  #isKnown = false;
  /** One reading at a time: two would hand out the same commands twice. */
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isKnownOrClosed = () => {};
  readonly #knownOrClosed = new Promise<void>((resolve) => {
    this.#isKnownOrClosed = resolve;
  });

  constructor(options: AdminCommandsOptions) {
    this.#options = options;
    options.log.onNew(() => void this.#read());
  }

  /** Resolves after the first try to read the log. */
  async start(): Promise<void> {
    await this.#read();
    this.#checkLater();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#isKnownOrClosed();
  }

  /** Whether the log was read, so that {@link isRevoked} knows. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  isRevoked({ user, issuedAtMs }: Pick<Identity, 'user' | 'issuedAtMs'>): boolean {
    // A token without iat is as old as can be.
    return issuedAtMs < (this.#revokedBeforeMs.get(user) ?? Number.NEGATIVE_INFINITY);
  }

  /** Resolves when the log was read once, or when this is closed. */
  get known(): Promise<void> {
    return this.#knownOrClosed;
  }

  get isAnyErased(): boolean {
    return this.#erasedBeforeMs.size > 0;
  }

  /** When the user was erased, in milliseconds since 1970; undefined: never, or longer ago than commands are kept. */
  erasedBeforeMs(user: string): number | undefined {
    return this.#erasedBeforeMs.get(user);
  }

  async issue(command: AdminCommand): Promise<void> {
    await this.#options.log.append(command);
    await this.#read();
  }

  onAdminCommand(obey: Obey): void {
    this.#obeying.push(obey);
  }

  #read(): Promise<void> {
    this.#reading = this.#reading.then(async () => {
      try {
        for (const { place, command } of await this.#options.log.read(this.#place)) {
          this.#place = place;
          if (command !== undefined) this.#obey(command);
        }
        this.#isKnown = true;
        this.#isKnownOrClosed();
      } catch (error) {
        this.#options.onError(error);
      }
    });
    return this.#reading;
  }

  #obey(command: AdminCommand): void {
    if (command.kind === 'disconnect' && command.notBeforeMs !== undefined) {
      const { user, notBeforeMs, erases } = command;
      raise(this.#revokedBeforeMs, user, notBeforeMs);
      if (erases) raise(this.#erasedBeforeMs, user, notBeforeMs);
    }
    for (const obey of this.#obeying) obey(command);
  }

  #checkLater(): void {
    const delayMs = this.#isKnown ? jittered(this.#options.checkMs) : RETRY_MS;
    this.#timer = setTimeout(async () => {
      await this.#read();
      this.#checkLater();
    }, delayMs);
    this.#timer.unref();
  }
}

function raise(momentsMs: Map<string, number>, user: string, atMs: number): void {
  momentsMs.set(user, Math.max(momentsMs.get(user) ?? 0, atMs));
}

/** Until the log was read once. */
const RETRY_MS = 1_000;
