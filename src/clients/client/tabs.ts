/**
 * One toast among the tabs of a browser. Every tab gets every notification over its own socket; each claims it to
 * the others, waits a moment, and tells it unless a better claim came: of a visible tab before a hidden one, then
 * by the tabs' names. Whoever tells says so, and answers later claims with that.
 *
 * Messages between tabs may be slower than that wait. So whoever tells takes a lock of the browser first, where there
 * are locks (on pages with https), and keeps it for as long as a message may take.
 *
 * It fails towards telling: a tab that gave way and hears of nobody telling claims again. Without locks two may tell
 * it when messages are slow, but never none. Nobody leads, so that no tab needs to be found dead first.
 */
import type { Channel, Environment } from './environment.ts';
import { Recent } from './recent.ts';

/** Twice as long as a message between tabs may take: a claim, and a better one that answers it. */
const CLAIM_MS = 150;
/** More than CLAIM_MS and what the timers of a hidden tab are late, which is about 1 s. */
const GIVE_WAY_MS = 2_000;
/** How late a tab may hear that another one tells, and still not tell it as well. */
const LOCK_HELD_MS = 10_000;

interface Round {
  readonly rank: string;
  readonly tell: () => void;
  givesWay: boolean;
  cancel: () => void;
}

export class Tabs {
  readonly #environment: Environment;
  readonly #channelName: string;
  readonly #channel: Channel | undefined;
  readonly #name: string;
  readonly #rounds = new Map<string, Round>();
  readonly #taken = new Recent();
  readonly #releases = new Set<() => void>();

  constructor(environment: Environment, channelName: string) {
    this.#environment = environment;
    this.#channelName = channelName;
    this.#name = String(environment.random());
    this.#channel = environment.openChannel(channelName);
    if (this.#channel !== undefined) this.#channel.onmessage = ({ data }) => this.#hear(data);
  }

  /** Runs `tell` in one tab of those that claim the key: at once where there are no others. */
  claim(key: string, tell: () => void): void {
    if (this.#channel === undefined) {
      tell();
      return;
    }
    if (this.#taken.has(key)) return;
    const rank = `${this.#environment.isVisible() ? 0 : 1} ${this.#name}`;
    const round: Round = { rank, tell, givesWay: false, cancel: () => {} };
    this.#rounds.set(key, round);
    this.#post({ claim: key, rank });
    round.cancel = this.#environment.after(CLAIM_MS, () => this.#decide(key, round));
  }

  close(): void {
    for (const { cancel } of this.#rounds.values()) cancel();
    this.#rounds.clear();
    for (const releaseNow of this.#releases) releaseNow();
    this.#releases.clear();
    if (this.#channel !== undefined) this.#channel.onmessage = null;
    this.#channel?.close();
  }

  #decide(key: string, round: Round): void {
    const { tryLock } = this.#environment;
    if (round.givesWay) this.#claimLater(key, round);
    else if (tryLock === undefined) this.#tell(key, round);
    else
      void tryLock(`${this.#channelName} ${key}`).then((release) => this.#decideByLock(key, round, release));
  }

  #decideByLock(key: string, round: Round, release: (() => void) | undefined): void {
    // Meanwhile another tab may have told it, or this one was closed.
    if (this.#rounds.get(key) !== round) release?.();
    else if (release === undefined) this.#claimLater(key, round);
    else {
      this.#releaseLater(release);
      this.#tell(key, round);
    }
  }

  #claimLater(key: string, round: Round): void {
    round.cancel = this.#environment.after(GIVE_WAY_MS, () => this.claim(key, round.tell));
  }

  #releaseLater(release: () => void): void {
    const cancel = this.#environment.after(LOCK_HELD_MS, () => {
      this.#releases.delete(releaseNow);
      release();
    });
    const releaseNow = () => {
      cancel();
      release();
    };
    this.#releases.add(releaseNow);
  }

  #tell(key: string, round: Round): void {
    this.#rounds.delete(key);
    this.#taken.add(key);
    this.#post({ taken: key });
    round.tell();
  }

  #hear(message: unknown): void {
    if (typeof message !== 'object' || message === null) return;
    if ('taken' in message && typeof message.taken === 'string') {
      this.#taken.add(message.taken);
      this.#rounds.get(message.taken)?.cancel();
      this.#rounds.delete(message.taken);
    } else if ('claim' in message && typeof message.claim === 'string') {
      const round = this.#rounds.get(message.claim);
      if (this.#taken.has(message.claim)) this.#post({ taken: message.claim });
      else if (round !== undefined && 'rank' in message && String(message.rank) < round.rank) {
        round.givesWay = true;
      }
    }
  }

  #post(message: { readonly taken: string } | { readonly claim: string; readonly rank: string }): void {
    this.#channel?.postMessage(message);
  }
}
