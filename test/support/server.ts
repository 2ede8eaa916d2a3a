/** What the private servers have in common: a process that comes and goes while ports and data stay. */

export interface ServerProcess {
  readonly pid: number;
  /** Ends it orderly. */
  terminate(): Promise<void>;
  /** Ends it at once, without a chance to write anything. */
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** Where a server's data is, and what starts a process on it. */
export interface ServerHome {
  start(): Promise<ServerProcess>;
  /** Ends the process, if one runs, and removes the data. */
  discard(running: ServerProcess | undefined): Promise<void>;
}

export interface Server {
  readonly pid: number;
  /** Ends the server and removes its data. The one who started it MUST call this. */
  stop(): Promise<void>;
  /** Ends the server at once (SIGKILL). Data stays for `restart()`. */
  kill(): Promise<void>;
  /** Ends the server orderly, unless it was killed, and starts it again: same ports, same data. */
  restart(): Promise<void>;
  /** Freezes the server (SIGSTOP): connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export async function startServer(home: ServerHome): Promise<Server> {
  let current = await home.start().catch(async (error) => {
    await home.discard(undefined);
    throw error;
  });
  let running: ServerProcess | undefined = current;

  return {
    get pid() {
      return current.pid;
    },
    async stop() {
      await home.discard(running);
      running = undefined;
    },
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async restart() {
      await running?.terminate();
      running = undefined;
      current = await home.start();
      running = current;
    },
    pause: () => current.pause(),
    resume: () => current.resume(),
  };
}
