/** Where Redis is, for people: host and port, and never a password. */
import { type Cluster, Redis } from 'ioredis';
import type { RedisAddress } from '../../config/redis-address.ts';

/** As it is configured: `10.0.0.5:6379`, or a Cluster's nodes with commas. */
export function placeOf(address: RedisAddress): string {
  if (address.kind === 'standalone') return hostOf(address.url);
  if (address.kind === 'cluster') return address.urls.map(hostOf).join(',');
  const { sentinels, primary } = address;
  return `${primary} of ${sentinels.map(({ host, port }) => `${host}:${port}`).join(',')}`;
}

/** Nodes of a Cluster may come and go, each with another address. */
const MOST_GONE = 100;

/** A Cluster tells nobody when one of its nodes cannot be reached while others can. */
export function onNodeAway(
  redis: Redis | Cluster,
  away: (place: string, error: Error) => void,
  back: (place: string) => void,
): void {
  if (redis instanceof Redis) return;
  const gone = new Set<string>();
  redis.on('node error', (error: Error, place: string) => {
    if (!gone.has(place)) away(place, error);
    if (gone.size >= MOST_GONE) gone.clear();
    gone.add(place);
  });
  redis.on('+node', (node: Redis) => {
    node.on('ready', () => {
      const place = `${node.options.host}:${node.options.port}`;
      if (gone.delete(place)) back(place);
    });
  });
}

function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? '6379' : port}`;
}
