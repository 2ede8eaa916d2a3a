/** The doctor's checks of Sentinels: whether each answers, which primary they know, and whether they could promote another. */
import { askSentinel, type SentinelView } from '../adapters/redis/sentinels.ts';
import type { RedisAddress } from '../config/redis-address.ts';
import { tlsChangeFor } from './doctor-certificates.ts';
import { driverReasonOf } from './failure.ts';
import type { Finding } from './finding.ts';

type Address = Extract<RedisAddress, { readonly kind: 'sentinel' }>;

interface Asked {
  readonly place: string;
  readonly view?: SentinelView;
  /** Why there is no view. */
  readonly reason?: string;
}

const CHECK = 'redis sentinels';

export async function examineSentinels(address: Address): Promise<Finding[]> {
  const asked = await Promise.all(address.sentinels.map((sentinel) => ask(address, sentinel)));
  const views = asked.flatMap(({ view }) => (view === undefined ? [] : [view]));
  return [...silentOnes(asked), ...primaryOf(address.primary, asked), ...quorumOf(address.primary, views)];
}

async function ask(address: Address, sentinel: Address['sentinels'][number]): Promise<Asked> {
  const place = `${sentinel.host}:${sentinel.port}`;
  try {
    return { place, view: await askSentinel(address, sentinel) };
  } catch (error) {
    return { place, reason: driverReasonOf(error) };
  }
}

/** One that answers is enough to find the primary. */
function silentOnes(asked: readonly Asked[]): Finding[] {
  const silent = asked.filter(({ view }) => view === undefined);
  if (silent.length === 0) return [];
  const reason = silent[0]?.reason ?? '';
  const found = silent.map((one) => `${one.place} gives no answer: ${one.reason}`).join('; ');
  const verdict = silent.length === asked.length ? 'wrong' : 'advice';
  return [{ check: CHECK, verdict, found, change: changeFor(reason) }];
}

function changeFor(reason: string): string {
  if (/^(WRONGPASS|NOAUTH|ERR AUTH)/.test(reason))
    return 'correct sentinelUsername and sentinelPassword in REDIS_URL: the Sentinels have users of their own';
  if (/^NOPERM/.test(reason))
    return 'give that user the rights in docs/rabbitmq-and-redis.md, In Redis, on each Sentinel';
  return tlsChangeFor(reason, 'REDIS') ?? 'start it, or correct its address in REDIS_URL';
}

function primaryOf(name: string, asked: readonly Asked[]): Finding[] {
  const answers = asked.filter(({ view }) => view !== undefined);
  const [first] = answers;
  if (first === undefined) return [];
  const ignorant = answers.filter(({ view }) => view?.primary === undefined);
  if (ignorant.length > 0) {
    const found = `${ignorant.map(({ place }) => place).join(', ')} knows no primary "${name}"`;
    const change = `correct the name behind the Sentinels in REDIS_URL; redis-cli -h <host> -p <port> sentinel masters lists those that there are`;
    return [{ check: CHECK, verdict: 'wrong', found, change }];
  }
  const known = new Set(answers.map(({ view }) => view?.primary));
  if (known.size > 1) {
    const found = answers.map(({ place, view }) => `${place} says ${view?.primary}`).join(', ');
    const change =
      'wait for the end of a failover; if it lasts, the Sentinels do not see each other: see their logs';
    return [{ check: CHECK, verdict: 'wrong', found: `they do not agree on the primary: ${found}`, change }];
  }
  const found = `${answers.length} of ${asked.length} answer, and "${name}" is ${first.view?.primary}`;
  return answers.length === asked.length ? [{ check: CHECK, verdict: 'ok', found }] : [];
}

/** Whether another primary would be promoted if this one died. */
function quorumOf(name: string, views: readonly SentinelView[]): Finding[] {
  const check = 'redis quorum';
  const quorums = views.filter(({ primary }) => primary !== undefined).map(({ quorum }) => quorum);
  const lost = quorums.find((quorum) => quorum.startsWith('NOQUORUM'));
  if (lost !== undefined) {
    const change = `start the Sentinels that are away: while they are, no other Redis would become the primary; redis-cli -p 26379 sentinel ckquorum ${name}`;
    return [{ check, verdict: 'wrong', found: lost, change }];
  }
  const [quorum] = quorums;
  if (quorum === undefined) return [];
  if (quorum.startsWith('OK')) return [{ check, verdict: 'ok', found: quorum }];
  const change =
    'ACL SETUSER <sentinelUsername> +sentinel|ckquorum, on each Sentinel; the service does not need it';
  return [{ check, verdict: 'unknown', found: `it cannot be looked at: ${quorum}`, change }];
}
