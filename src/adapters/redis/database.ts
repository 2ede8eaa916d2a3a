/**
 * The database that a connection was told to use, or none: when Redis refuses to select it, ioredis tells an error and
 * goes on, in database 0, where another service's users may live.
 */
import { type Redis, ReplyError } from 'ioredis';

const refusals = new WeakMap<object, string>();

/**
 * Drops a connection whose database was not selected, before it becomes ready and anything else is sent on it. It
 * connects again as after any other failure: the right may be given, or Redis may only have been busy.
 */
export function stayInDatabase(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...rest) => {
    const { stream } = redis;
    const sent = send(command, ...rest);
    if (command.name !== 'select') return sent;
    return Promise.resolve(sent).then(
      (answer) => {
        refusals.delete(redis);
        return answer;
      },
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        const reason = `cannot select database ${redis.options.db}: ${why}`;
        if (error instanceof ReplyError) refusals.set(redis, reason);
        // Whatever it failed of, also that no answer came in time: what follows might be done in another database.
        stream.destroy(new Error(reason));
        // ioredis makes the connection ready once this is settled, in whichever way.
        return new Promise(() => {});
      },
    );
  };
}

/** Why the connection is not in its database; undefined while nothing is wrong with that. */
export function databaseRefused(redis: object): string | undefined {
  return refusals.get(redis);
}
