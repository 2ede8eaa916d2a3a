/** The common part of all private servers: the process may end and start again, while the ports and the data stay. */

export interface ServerProcess {
  readonly pid: number;
  /** Ends the process in an orderly way. */
  terminate(): Promise<void>;
  /** Ends the process at once. It cannot write anything more. */
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** The place of a server's data, and the way to start a process on it. */
export interface ServerHome {
  start(): Promise<ServerProcess>;
  /** Ends the process if one is running, and removes the data. */
  discard(running: ServerProcess | undefined): Promise<void>;
}

export interface Server {
  readonly pid: number;
  /** Ends the server, and removes its data. The caller that started it MUST call this. */
  stop(): Promise<void>;
  /** Ends the server at once (SIGKILL). The data stays for `restart()`. */
  kill(): Promise<void>;
  /** Ends the server in an orderly way, unless it was killed, and starts it again with the same ports and data. */
  restart(): Promise<void>;
  /** Freezes the server (SIGSTOP). Its connections stay open, but it answers nothing. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export async function startServer(home: ServerHome): Promise<Server> {
  let current = await home.start().catch(async (error) => {
    // What the start says is wrong matters more than what is left to clean up.
    await home.discard(undefined).catch(() => {});
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
