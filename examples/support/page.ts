/** What the pages of all stories do in the browser: log in, connect, say how the connection is, ask their services. */
import { type Client, type ClientOptions, connect } from 'carillon-client';

export interface Login {
  /** Of Carillon. */
  readonly url: string;
  readonly token: string;
}

export async function login(user: string): Promise<Login> {
  const response = await fetch(`/login?${new URLSearchParams({ user })}`);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

export async function connectAs(user: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  const { url } = await login(user);
  return connect({ url, token: async () => (await login(user)).token, ...options });
}

/** For a page that begins with the newest of a topic each time it is loaded, and not where it was left. */
export const NO_STORAGE = { get: () => null, set: () => {} };

/** What the story's `answer(name, …)` gives; rejects with the message of what it threw. */
export async function ask(name: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`/ask/${name}`, { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

/** The element that the page has for this. */
export function find<E extends HTMLElement>(selector: string, kind: new () => E): E {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}

/** Keeps saying in `element` how the connection is, and while it is down when it will be tried again. */
export function showState(client: Client, element: HTMLElement): void {
  const show = () => {
    const { state } = client;
    element.dataset.state = state.status;
    element.textContent =
      state.status === 'waiting' ? `offline, ${tryingAgain(state.retryAt)}` : WORDS[state.status];
  };
  client.on('state', show);
  setInterval(show, 1_000);
  show();
}

const WORDS = { connecting: 'connecting …', connected: 'connected', closed: 'closed' } as const;

function tryingAgain(retryAtMs: number): string {
  const seconds = Math.ceil((retryAtMs - Date.now()) / 1_000);
  return seconds > 0 ? `trying again in ${seconds} s` : 'trying again now';
}
