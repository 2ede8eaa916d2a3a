/** The console as a whole: what this service is, whether one may come in, and the stores of its panes and views. */
import { effect, signal } from '@preact/signals';
import { type About, Api } from './api.ts';
import { DeadLetters } from './dead-letters/dead-letters.ts';
import { Devices } from './devices/devices.ts';
import { Explain } from './explain/explain.ts';
import { Live } from './live/live.ts';
import type { Problem } from './problem.ts';
import { Queues } from './queues/queues.ts';
import { Composer } from './send/composer.ts';
import { Users } from './users/users.ts';

type Entrance =
  /** It is asked what this service is. */
  | { readonly status: 'asking' }
  | { readonly status: 'unreachable'; readonly retryAt: number }
  /** A token is needed. */
  | { readonly status: 'locked'; readonly isTrying: boolean }
  /** A proxy adds the token, and it does not open the console, or not any more. */
  | { readonly status: 'logged out' }
  | { readonly status: 'open' };

const RETRY_MS = 4_000;
/** For trying a token: nothing is sent with it. */
const PROBE = JSON.stringify({
  specversion: '1.0',
  id: 'probe',
  source: '/console',
  type: 'probe',
  audience: 'global',
});

export class ConsoleSession {
  readonly api = new Api();
  readonly about = signal<About | undefined>(undefined);
  readonly entrance = signal<Entrance>({ status: 'asking' });
  /** Who is logged in; undefined where that is not asked for. */
  readonly user = signal<string | undefined>(undefined);
  /** What the token allows; undefined where that is not known. */
  readonly scopes = signal<readonly string[] | undefined>(undefined);
  readonly composer = new Composer(this.api);
  readonly devices = new Devices(this.api);
  readonly live = new Live(this.api);
  readonly deadLetters = new DeadLetters(this.api);
  readonly explain = new Explain(this.api);
  readonly users = new Users(this.api);
  readonly queues = new Queues(this.api);
  #isBegun = false;
  /** Whether something in front of the service adds a token to each request. */
  #isForwarded = false;

  constructor() {
    // A token may end at any time: the panes stay as they are behind the question for another.
    effect(() => {
      const isRefused = this.api.refusal.value !== undefined;
      if (isRefused && this.entrance.peek().status === 'open') this.#lock();
    });
  }

  async start(): Promise<void> {
    const stored = this.api.adminToken.value;
    // Without a token of its own: then one that comes with the request is a proxy's.
    this.api.adminToken.value = '';
    const answer = await this.api.about();
    this.api.adminToken.value = stored;
    if (!answer.ok) {
      this.entrance.value = { status: 'unreachable', retryAt: Date.now() + RETRY_MS };
      setTimeout(() => void this.start(), RETRY_MS);
      return;
    }
    const { mode, user, scopes, refusal } = answer.value;
    this.about.value = answer.value;
    this.user.value = user;
    this.scopes.value = scopes;
    this.#isForwarded = user !== undefined || refusal !== undefined;
    if (this.#isForwarded) this.api.forgetToken();
    if (refusal !== undefined) this.#refuse(refusal);
    else if (mode === 'embedded' || this.#isForwarded) this.#open();
    else if (stored === '') this.#lock();
    else await this.admit(stored);
  }

  async admit(token: string): Promise<void> {
    this.entrance.value = { status: 'locked', isTrying: true };
    this.api.refusal.value = undefined;
    this.api.adminToken.value = token;
    const answer = await this.api.check(PROBE);
    const isRefused = !answer.ok && [0, 401, 403].includes(answer.problem.status);
    if (isRefused && !answer.ok) {
      this.#refuse(answer.problem);
      return;
    }
    this.api.keepToken(token);
    this.#open();
    const about = await this.api.about();
    if (!about.ok) return;
    this.user.value = about.value.user;
    this.scopes.value = about.value.scopes;
  }

  #refuse(problem: Problem): void {
    this.api.refusal.value = problem;
    this.#lock();
  }

  #lock(): void {
    this.entrance.value = this.#isForwarded
      ? { status: 'logged out' }
      : { status: 'locked', isTrying: false };
  }

  #open(): void {
    const about = this.about.value;
    if (about === undefined) return;
    this.entrance.value = { status: 'open' };
    this.live.stream.start();
    this.composer.checkNow();
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.devices.open(about);
  }
}
