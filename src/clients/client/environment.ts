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

/** As much of the Web Locks API as is used. */
interface Locks {
  request(
    name: string,
    options: { readonly ifAvailable: true },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

interface Events {
  addEventListener(name: string, listener: () => void): void;
  removeEventListener(name: string, listener: () => void): void;
}

export interface Environment {
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Runs once; what it returns cancels it. */
  after(delayMs: number, run: () => void): () => void;
  /** Reaches the other tabs of this browser; undefined where there are none. */
  openChannel(name: string): Channel | undefined;
  /**
   * Takes a lock that one tab of this browser has at a time; what it resolves to releases it, undefined says that
   * another tab has it. The browser releases it when the page is gone. Never rejects. Undefined where there are none.
   */
  readonly tryLock: ((name: string) => Promise<(() => void) | undefined>) | undefined;
  isVisible(): boolean;
  /** Calls it when there is a network again (`isOnline`), and when the page is seen again. What it returns ends that. */
  onWake(listener: (isOnline: boolean) => void): () => void;
  /** The origin of the page; undefined where there is none. */
  readonly page: string | undefined;
  readonly webStorage: WebStorage | undefined;
}

// Declared here and not taken from a library of types: the DOM's are wrong in Node and Node's are wrong in a browser.
declare const BroadcastChannel: (new (name: string) => Channel) | undefined;
declare const localStorage: WebStorage | undefined;
declare const document:
  | (Partial<Events> & {
      readonly visibilityState?: string;
      readonly documentElement?: { readonly lang?: string };
    })
  | undefined;
declare const navigator:
  | {
      readonly language?: string | undefined;
      readonly languages?: readonly string[] | undefined;
      readonly locks?: Locks | undefined;
    }
  | undefined;
declare const addEventListener: Events['addEventListener'] | undefined;
declare const removeEventListener: Events['removeEventListener'] | undefined;
declare const location: { readonly origin?: string } | undefined;
declare function setTimeout(run: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;

/** setTimeout fires at once for anything longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function environment(): Environment {
  // Pages without https have none.
  const locks = typeof navigator === 'undefined' ? undefined : navigator?.locks;
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
    tryLock: locks === undefined ? undefined : (name) => tryLock(locks, name),
    isVisible: () => typeof document === 'undefined' || document?.visibilityState !== 'hidden',
    onWake: (listener) => {
      const ends = [
        hear(page, 'online', () => listener(true)),
        hear(typeof document === 'undefined' ? undefined : document, 'visibilitychange', () => {
          if (document?.visibilityState !== 'hidden') listener(false);
        }),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
    // An opaque page's is "null".
    page: typeof location === 'undefined' ? undefined : /^https?:.*/.exec(location?.origin ?? '')?.[0],
    webStorage: orUndefined(() => (typeof localStorage === 'undefined' ? undefined : localStorage)),
  };
}

function tryLock(locks: Locks, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    const request = locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock !== null) return new Promise<void>((release) => resolve(() => release()));
      resolve(undefined);
      return undefined;
    });
    // A page that may keep no data is refused locks too. It goes on as one whose browser has none.
    request.catch(() => resolve(() => {}));
  });
}

/** BCP 47 tags, the most wanted first: what the page is in, then what its reader prefers. Empty where neither is known. */
export function pageLanguages(): readonly string[] {
  const page = typeof document === 'undefined' ? undefined : document?.documentElement?.lang;
  const { language = '', languages = [language] } =
    (typeof navigator === 'undefined' ? undefined : navigator) ?? {};
  return [page ?? '', ...languages].filter((tag) => tag !== '');
}

/** Node and React Native have no such events, nor the functions. A browser's know no other `this` than the page. */
const page: Events = {
  addEventListener: (name, listener) => {
    if (typeof addEventListener === 'function') addEventListener(name, listener);
  },
  removeEventListener: (name, listener) => {
    if (typeof removeEventListener === 'function') removeEventListener(name, listener);
  },
};

function hear(target: Partial<Events> | undefined, name: string, listener: () => void): () => void {
  target?.addEventListener?.(name, listener);
  return () => target?.removeEventListener?.(name, listener);
}

/** The same, until `end` is called: then nothing runs any more that was to run later. */
export function endable(environment: Environment): { readonly environment: Environment; end(): void } {
  const cancels = new Set<() => void>();
  const after: Environment['after'] = (delayMs, run) => {
    const stop = environment.after(delayMs, () => {
      cancels.delete(cancel);
      run();
    });
    const cancel = () => {
      cancels.delete(cancel);
      stop();
    };
    cancels.add(cancel);
    return cancel;
  };
  const end = () => {
    for (const cancel of cancels) cancel();
  };
  return { environment: { ...environment, after }, end };
}

function orUndefined<T>(take: () => T | undefined): T | undefined {
  try {
    return take();
  } catch {
    return undefined;
  }
}
