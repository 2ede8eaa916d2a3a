/** The console as a whole: what this service is, whether one may come in, and the three panes' stores. */
import { effect, signal } from '@preact/signals';
import { type About, Api } from './api.ts';
import { Devices } from './devices/devices.ts';
import { Live } from './live/live.ts';
import { Composer } from './send/composer.ts';

type Entrance =
  /** It is asked what this service is. */
  | { readonly status: 'asking' }
  | { readonly status: 'unreachable'; readonly retryAt: number }
  /** An admin token is needed. */
  | { readonly status: 'locked'; readonly isTrying: boolean }
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
  readonly composer = new Composer(this.api);
  readonly devices = new Devices(this.api);
  readonly live = new Live(this.api);
  #isBegun = false;

  constructor() {
    // A token may end at any time: the panes stay as they are behind the question for another.
    effect(() => {
      const isRefused = this.api.refusal.value !== undefined;
      if (isRefused && this.entrance.peek().status === 'open') {
        this.entrance.value = { status: 'locked', isTrying: false };
      }
    });
  }

  async start(): Promise<void> {
    const answer = await this.api.about();
    if (!answer.ok) {
      this.entrance.value = { status: 'unreachable', retryAt: Date.now() + RETRY_MS };
      setTimeout(() => void this.start(), RETRY_MS);
      return;
    }
    this.about.value = answer.value;
    if (answer.value.mode === 'embedded') this.#open();
    else if (this.api.adminToken.value === '') this.entrance.value = { status: 'locked', isTrying: false };
    else await this.admit(this.api.adminToken.value);
  }

  async admit(token: string): Promise<void> {
    this.entrance.value = { status: 'locked', isTrying: true };
    this.api.refusal.value = undefined;
    this.api.adminToken.value = token;
    const answer = await this.api.check(PROBE);
    const isRefused = !answer.ok && [0, 401, 403].includes(answer.problem.status);
    if (isRefused && !answer.ok) {
      this.api.refusal.value = answer.problem;
      this.entrance.value = { status: 'locked', isTrying: false };
      return;
    }
    this.api.keepToken(token);
    this.#open();
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
