/** An environment for the client in which nothing happens by itself: no clock, no timers, and no other tab. */
import type { Environment } from '../../src/clients/client/environment.ts';

export const STILL: Environment = {
  now: () => 0,
  random: () => 0,
  after: () => () => {},
  openChannel: () => undefined,
  tryLock: undefined,
  isVisible: () => true,
  onWake: () => () => {},
  page: undefined,
  webStorage: undefined,
};
