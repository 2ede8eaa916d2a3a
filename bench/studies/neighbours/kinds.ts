/** The kinds of bad neighbours, and how many of each are measured. */
import { signToken } from '../../../src/operate/access/tokens.ts';
import {
  type BadClients,
  dropping,
  halfOpen,
  neverReading,
  silent,
} from '../../../test/support/bad-clients.ts';
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts';
import { JWT_SECRET } from '../../support/crowd.ts';
import { isSmoke, sized } from '../support/size.ts';

/** The department that gets many events. */
export const BUSY = 'busy';

const TOKEN_SECONDS = 3_600;

/** Each kind is measured with one client and with a crowd. */
export const KINDS = {
  'not-reading': {
    title: 'answer pings and read nothing',
    counts: sized([1, 40], [2]),
    begin: async (url: string, count: number) => neverReading(url, await tokens(count, [BUSY])),
    endsByItself: false,
  },
  dropping: {
    title: 'connect and drop every second',
    counts: sized([1, 100], [2]),
    begin: async (url: string, count: number) => dropping(url, await tokens(count), 1_000),
    endsByItself: false,
  },
  'half-open': {
    title: 'are behind a link that went silent',
    counts: sized([1, 200], [2]),
    begin: async (url: string, count: number): Promise<BadClients> => {
      const proxy = await startTcpProxy(Number(new URL(url).port));
      const clients = await halfOpen(proxy, await tokens(count));
      const stop = () => {
        clients.stop();
        void proxy.close();
      };
      return { ...clients, stop };
    },
    /** The gateway notices by pings without an answer. That takes 45 seconds, too long for a smoke run. */
    endsByItself: !isSmoke,
  },
  silent: {
    title: 'connect and say nothing, so many a second, every other one over WebSocket',
    counts: sized([1, 200], [20]),
    begin: async (url: string, count: number) => silent(url, count),
    endsByItself: false,
  },
} as const;

export type KindName = keyof typeof KINDS;

export function isKind(name: string): name is KindName {
  return name in KINDS;
}

function tokens(count: number, departments: readonly string[] = []): Promise<string[]> {
  const claims = (i: number) => ({ sub: `bad-${i}`, departments });
  return Promise.all(
    Array.from({ length: count }, (_, i) => signToken({ secret: JWT_SECRET }, claims(i), TOKEN_SECONDS)),
  );
}
