/** What the client library takes from where it runs: a browser, Node or React Native. No two have all of it. */

/** As much of a BroadcastChannel as is used. */
export interface Channel {
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

interface WebStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface Environment {
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Runs once; what it returns cancels it. */
  after(delayMs: number, run: () => void): () => void;
  /** Reaches the other tabs of this browser; undefined where there are none. */
  openChannel(name: string): Channel | undefined;
  isVisible(): boolean;
  readonly webStorage: WebStorage | undefined;
}

// Declared here and not taken from a library of types: the DOM's are wrong in Node and Node's are wrong in a browser.
declare const BroadcastChannel: (new (name: string) => Channel) | undefined;
declare const localStorage: WebStorage | undefined;
declare const document: { readonly visibilityState?: string } | undefined;
declare function setTimeout(run: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** setTimeout fires at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function environment(): Environment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
      return () => clearTimeout(timer);
    },
    // A page that may not keep data is refused both, with an exception.
    openChannel: (name) =>
      orUndefined(() => (typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name))),
    isVisible: () => typeof document === 'undefined' || document?.visibilityState !== 'hidden',
    webStorage: orUndefined(() => (typeof localStorage === 'undefined' ? undefined : localStorage)),
  };
}

function orUndefined<T>(take: () => T | undefined): T | undefined {
  try {
    return take();
  } catch {
    return undefined;
  }
}
