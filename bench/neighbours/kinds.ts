/** The kinds of bad neighbours that are measured, and how many of each. */
import { signToken } from '../../src/auth/tokens.ts';
import { type BadClients, dropping, halfOpen, neverReading, silent } from '../../test/support/bad-clients.ts';
import { startTcpProxy } from '../../test/support/tcp-proxy.ts';
import { JWT_SECRET } from '../compare/crowd.ts';

/** The department with much traffic. */
export const BUSY = 'busy';

const TOKEN_SECONDS = 3_600;

export const KINDS = {
  'not-reading': {
    title: '40 that answer pings and read nothing',
    begin: async (url: string) => neverReading(url, await tokens(40, [BUSY])),
    endsByItself: false,
  },
  dropping: {
    title: '100 that connect and drop every second',
    begin: async (url: string) => dropping(url, await tokens(100), 1_000),
    endsByItself: false,
  },
  'half-open': {
    title: '200 behind a link that went silent',
    begin: async (url: string): Promise<BadClients> => {
      const proxy = await startTcpProxy(Number(new URL(url).port));
      const clients = await halfOpen(proxy, await tokens(200));
      const stop = () => {
        clients.stop();
        void proxy.close();
      };
      return { ...clients, stop };
    },
    /** The gateway has to find out. */
    endsByItself: true,
  },
  silent: {
    title: '200 a second that connect and say nothing, half of them over WebSocket',
    begin: async (url: string) => silent(url, 200),
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
    Array.from({ length: count }, (_, i) => signToken(JWT_SECRET, claims(i), TOKEN_SECONDS)),
  );
}
