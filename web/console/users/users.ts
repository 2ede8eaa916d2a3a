/** One user as the service knows them, one audience, and what an operator does about the user. */
import { signal } from '@preact/signals';
import { type Answer, type Api, mapped } from '../api.ts';
import { textAt, textsAt } from '../json-object.ts';
import { Reading } from '../operate/reading.ts';
import type { Params } from '../place.ts';
import type { Problem } from '../problem.ts';
import {
  type AudiencePresence,
  readAudiencePresence,
  readUserPresence,
  type UserPresence,
} from './presence.ts';

type Work =
  | { readonly status: 'none' }
  | { readonly status: 'working' }
  | { readonly status: 'done'; readonly words: string }
  | { readonly status: 'failed'; readonly what: string; readonly problem: Problem };

/** Paths that take any id: those with the id in them cannot carry every one. */
const SESSIONS = '/admin/users/sessions';
const DEPARTMENTS = '/admin/users/departments';
const DISCONNECT = '/admin/users/disconnect';
const AUDIENCES = '/admin/audiences';

export class Users {
  readonly #api: Api;
  /** Empty: none is asked for. */
  readonly user = signal('');
  readonly presence = new Reading<UserPresence>();
  /** That an operator gave; undefined in what was read: those of the token count. */
  readonly departments = new Reading<readonly string[] | undefined>();
  readonly audience = signal('');
  readonly audiencePresence = new Reading<AudiencePresence>();
  readonly work = signal<Work>({ status: 'none' });

  constructor(api: Api) {
    this.#api = api;
  }

  /** As the address says. */
  show({ user = '', audience = '' }: Params): void {
    if (user !== this.user.value) {
      this.user.value = user;
      this.presence.forget();
      this.departments.forget();
      this.work.value = { status: 'none' };
    }
    if (audience !== this.audience.value) {
      this.audience.value = audience;
      this.audiencePresence.forget();
    }
    if (user !== '' && this.presence.isUnanswered) void this.readUser();
    if (audience !== '' && this.audiencePresence.isUnanswered) void this.readAudience();
  }

  async readUser(): Promise<void> {
    const query = new URLSearchParams({ user: this.user.value });
    await Promise.all([
      this.presence.read(async (signal) =>
        mapped(await this.#api.ask(`${SESSIONS}?${query}`, { signal }), readUserPresence),
      ),
      this.departments.read(async (signal) => {
        const answer = await this.#api.ask(`${DEPARTMENTS}?${query}`, { signal });
        if (!answer.ok && answer.problem.code === 'not_found') return { ok: true, value: undefined };
        return mapped(answer, (body) => textsAt(body, 'departments') ?? []);
      }),
    ]);
  }

  async readAudience(): Promise<void> {
    const query = new URLSearchParams({ audience: this.audience.value });
    await this.audiencePresence.read(async (signal) =>
      mapped(await this.#api.ask(`${AUDIENCES}?${query}`, { signal }), readAudiencePresence),
    );
  }

  async disconnect(): Promise<void> {
    await this.#do('Nobody was sent away, as far as is known.', async (query) =>
      mapped(
        await this.#api.ask(`${DISCONNECT}?${query}`, { body: '{}' }),
        () => 'Every gateway is told to close the connections. Clients may come back. Read again to see.',
      ),
    );
  }

  /** Also closes the connections. Tokens that were issued before the moment are refused from then on. */
  async revoke(notBefore: string): Promise<void> {
    const body = JSON.stringify({ notBefore });
    await this.#do('No token was revoked, as far as is known.', async (query) =>
      mapped(await this.#api.ask(`${DISCONNECT}?${query}`, { body }), (answer) => {
        const since = textAt(answer, 'notBefore') ?? notBefore;
        return `Every gateway is told: tokens issued before ${since} are refused until they expire.`;
      }),
    );
  }

  async giveDepartments(departments: readonly string[]): Promise<void> {
    const body = JSON.stringify({ departments });
    await this.#do('The departments may not be given.', async (query) =>
      mapped(
        await this.#api.ask(`${DEPARTMENTS}?${query}`, { method: 'PUT', body }),
        () => 'Given: these count in place of those of the token.',
      ),
    );
  }

  async takeDepartmentsBack(): Promise<void> {
    await this.#do('The departments may not be taken back.', async (query) =>
      mapped(
        await this.#api.ask(`${DEPARTMENTS}?${query}`, { method: 'DELETE' }),
        () => 'Taken back: those of the token count again.',
      ),
    );
  }

  async #do(what: string, order: (query: URLSearchParams) => Promise<Answer<string>>): Promise<void> {
    this.work.value = { status: 'working' };
    const answer = await order(new URLSearchParams({ user: this.user.value }));
    this.work.value = answer.ok
      ? { status: 'done', words: answer.value }
      : { status: 'failed', what, problem: answer.problem };
    if (answer.ok) await this.readUser();
  }
}
