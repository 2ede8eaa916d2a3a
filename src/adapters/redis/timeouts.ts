/**
 * How long a command may wait for its answer: a second, and for every byte that is under way as long as a slow link
 * takes. A fixed time would send what is large again and again over a link that never gets it through in time.
 *
 * What counts is what was sent and is not answered yet, since answers come in order, and what has been received
 * meanwhile: an answer that is coming is no silence.
 */
import type { Command, Redis } from 'ioredis';

const BASE_MS = 1_000;

/** A peer that vanished without a word: without this the connection hangs until the kernel gives up, after minutes. */
const SILENT_MS = 5_000;

/** A link that is slower is found out: each time-out of something large halves what is asked of it. */
const BYTES_PER_SECOND = 131_072;
const LEAST_BYTES_PER_SECOND = 4_096;

/** What is smaller tells nothing of the link's speed. */
const LARGE_BYTES = 4_096;

const LOOK_EVERY_MS = 100;

/** Its answer may still come, and then whatever it asked for was done. */
export class CommandTimedOut extends Error {
  readonly code = 'timed_out';

  constructor(elapsedMs: number) {
    super(`no answer within ${Math.round(elapsedMs)} ms`);
  }
}

interface Sent {
  readonly bytes: number;
  readonly atMs: number;
  /** Its own bytes and those of all before it that were not answered. */
  readonly underWay: number;
  /** By the connection, until it was sent. */
  readonly received: number;
}

/** MUST be called once for each connection, which MUST have no `commandTimeout`. */
export function growTimeouts(redis: Redis, now: () => number = () => performance.now()): void {
  const send = redis.sendCommand.bind(redis);
  const unanswered = new Map<Command, Sent>();
  let underWay = 0;
  let bytesPerSecond = BYTES_PER_SECOND;
  let timer: NodeJS.Timeout | undefined;

  const received = () => redis.stream?.bytesRead ?? 0;
  const msFor = (bytes: number) => (bytes * 1_000) / bytesPerSecond;
  const forget = (command: Command, sent: Sent) => {
    unanswered.delete(command);
    underWay -= sent.bytes;
    if (unanswered.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
  const look = () => {
    const nowMs = now();
    for (const [command, sent] of unanswered) {
      const elapsedMs = nowMs - sent.atMs;
      // Less: another connection began to count anew.
      const came = Math.max(0, received() - sent.received);
      if (elapsedMs <= BASE_MS + msFor(sent.underWay + came)) continue;
      if (sent.bytes + came >= LARGE_BYTES)
        bytesPerSecond = Math.max(bytesPerSecond / 2, LEAST_BYTES_PER_SECOND);
      command.reject(new CommandTimedOut(elapsedMs));
    }
  };

  redis.sendCommand = (command, ...rest) => {
    const bytes = bytesIn(command);
    underWay += bytes;
    const sent = { bytes, atMs: now(), underWay, received: received() };
    unanswered.set(command, sent);
    timer ??= setInterval(look, LOOK_EVERY_MS).unref();
    // ioredis looks at it each time that it begins to wait.
    redis.options.socketTimeout = SILENT_MS + Math.ceil(msFor(underWay));
    command.promise.then(
      () => {
        forget(command, sent);
        if (bytes >= LARGE_BYTES) bytesPerSecond = Math.min(bytesPerSecond * 2, BYTES_PER_SECOND);
      },
      () => forget(command, sent),
    );
    return send(command, ...rest);
  };
}

function bytesIn({ args }: Command): number {
  let bytes = 0;
  for (const arg of args) {
    if (typeof arg === 'string') bytes += arg.length < LARGE_BYTES ? arg.length : Buffer.byteLength(arg);
    else if (Buffer.isBuffer(arg)) bytes += arg.length;
  }
  return bytes;
}
