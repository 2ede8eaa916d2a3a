/**
 * The doctor's check of what REDIS_URL's user may do. A script asks Redis for each command; none of them is carried out.
 * A test holds the list against the commands that a running service sends.
 */
import { type Redis, ReplyError } from 'ioredis';
import type { Finding } from './finding.ts';

const CHECK = 'rights';

const KEY = 'carillon:{doctor}:log';

/** Each with arguments of the right number. */
const ON_KEYS: readonly string[] = [
  'APPEND - x',
  'DEL -',
  'EXISTS -',
  'EXPIRE - 1',
  'GET -',
  'HDEL - x',
  'HGET - x',
  'HGETALL -',
  'HINCRBY - x 1',
  'HLEN -',
  'HMGET - x',
  'HSET - x y',
  'MGET -',
  'PEXPIRE - 1',
  'PTTL -',
  'SET - x',
  'XADD - * x y',
  'XDEL - 1-0',
  'XINFO STREAM -',
  'XLEN -',
  'XRANGE - 0-0 1-0',
  'XREVRANGE - 1-0 0-0',
  'ZADD - 1 x',
  'ZRANGE - 0 1',
  'ZREM - x',
  'ZREMRANGEBYSCORE - 0 1',
  'ZSCORE - x',
];

const OF_SERVER = ['EVAL x 0', 'EVALSHA x 0', 'INFO', 'PING', 'TIME'];

const OF_CLUSTER = ['CLUSTER SLOTS', 'CLUSTER INFO', 'READONLY', 'CLIENT SETNAME x'];

/** What decides which commands a process sends. */
interface RedisUse {
  readonly database: number;
  readonly isCluster: boolean;
  readonly leastReplicas: number;
}

/** The commands whose rights are asked for, each as its words. */
export function commandsOf({ database, isCluster, leastReplicas }: RedisUse): readonly (readonly string[])[] {
  const suffix = database === 0 ? '' : `/${database}`;
  const channels = [
    `socket.io${suffix}#/#{doctor}#`,
    `carillon:{tap}${suffix}:doctor`,
    'carillon:{directives}:new',
  ];
  return [
    ...ON_KEYS,
    ...OF_SERVER,
    ...channels.flatMap((channel) => [
      `SPUBLISH ${channel} x`,
      `SSUBSCRIBE ${channel}`,
      `SUNSUBSCRIBE ${channel}`,
    ]),
    ...(database === 0 ? [] : [`SELECT ${database}`]),
    ...(leastReplicas === 0 ? [] : ['WAIT 1 1']),
    ...(isCluster ? OF_CLUSTER : []),
  ].map((line) => line.split(' ').map((word) => (word === '-' ? KEY : word)));
}

const SCRIPT = `
local lacking = {}
for _, words in ipairs(cjson.decode(ARGV[1])) do
  if not redis.acl_check_cmd(unpack(words)) then lacking[#lacking + 1] = table.concat(words, ' ') end
end
return lacking`;

export async function rightsOf(node: Redis, use: RedisUse): Promise<Finding> {
  const change = 'give the user the rights in docs/rabbitmq-and-redis.md, In Redis: ACL SETUSER';
  try {
    const answer = await node.eval(SCRIPT, 0, JSON.stringify(commandsOf(use)));
    const lacking = Array.isArray(answer) ? answer.map(String) : [];
    if (lacking.length === 0)
      return { check: CHECK, verdict: 'ok', found: 'the user may send what the service sends' };
    const shown = lacking.slice(0, MOST_SHOWN).join(', ');
    const rest = lacking.length > MOST_SHOWN ? ` and ${lacking.length - MOST_SHOWN} more` : '';
    return { check: CHECK, verdict: 'wrong', found: `the user may not: ${shown}${rest}`, change };
  } catch (error) {
    if (!(error instanceof Error && error instanceof ReplyError)) throw error;
    // The service sends scripts too.
    if (/^NOPERM/.test(error.message))
      return { check: CHECK, verdict: 'wrong', found: error.message, change };
    return { check: CHECK, verdict: 'unknown', found: `they cannot be looked at: ${error.message}` };
  }
}

const MOST_SHOWN = 5;
