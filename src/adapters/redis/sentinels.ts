/** What one Sentinel knows of a primary. Asked for one occasion, with no right but those that Carillon itself uses. */
import { Redis, ReplyError } from 'ioredis';
import type { SentinelAddress } from '../../config/redis-address.ts';
import { type TlsFiles, tlsOptionsOf } from '../../config/tls-files.ts';

const ANSWER_MS = 3_000;

export interface SentinelView {
  /** `host:port`; undefined when it knows no primary of this name. */
  readonly primary: string | undefined;
  /** How many other Sentinels it knows. */
  readonly others: number;
  /** What it says of the quorum: `OK …` or `NOQUORUM …`, or that the user may not ask (`NOPERM …`). */
  readonly quorum: string;
}

/** Rejects, when it does not answer or refuses, with the last reason that there was. */
export async function askSentinel(
  { primary, sentinelLogin, isTls, tls }: SentinelAddress & { readonly tls?: TlsFiles },
  { host, port }: SentinelAddress['sentinels'][number],
): Promise<SentinelView> {
  const sentinel = new Redis({
    host,
    port,
    ...sentinelLogin,
    ...(isTls ? { tls: tlsOptionsOf(tls ?? {}) } : {}),
    lazyConnect: true,
    disableClientInfo: true,
    // It would ask for more than a Sentinel's user need be allowed.
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: ANSWER_MS,
    commandTimeout: ANSWER_MS,
    retryStrategy: () => null,
  });
  const reasons: Error[] = [];
  sentinel.on('error', (error) => reasons.push(error));
  try {
    await sentinel.connect();
    const place = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary);
    if (!Array.isArray(place)) return { primary: undefined, others: 0, quorum: '' };
    const others = await sentinel.call('SENTINEL', 'SENTINELS', primary);
    return {
      primary: place.join(':'),
      others: Array.isArray(others) ? others.length : 0,
      quorum: await quorumOf(sentinel, primary),
    };
  } catch (error) {
    throw reasons.at(-1) ?? error;
  } finally {
    sentinel.disconnect();
  }
}

async function quorumOf(sentinel: Redis, primary: string): Promise<string> {
  try {
    return String(await sentinel.call('SENTINEL', 'CKQUORUM', primary));
  } catch (error) {
    if (!(error instanceof Error && error instanceof ReplyError)) throw error;
    return error.message;
  }
}
