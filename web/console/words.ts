/** Times, numbers and states as a person reads them. */
import type { ConnectionState, LossReason } from '../../src/clients/client/connect.ts';

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function clockTime(time: string | number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : CLOCK.format(date);
}

/** The time of day, and before it the day if that is not today's. Empty for what is no moment. */
export function moment(time: string | number, nowMs: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '';
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  const year = date.getFullYear() === new Date(nowMs).getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${isToday ? '' : `${DAY.format(date)}${year}, `}${CLOCK.format(date)}`;
}

/** As exact as is of use: `4 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 10_000) return milliseconds(ms);
  if (ms < 60_000) return `${COUNT.format(ms / 1_000)} s`;
  const units = [
    { name: 'd', s: 86_400 },
    { name: 'h', s: 3_600 },
    { name: 'min', s: 60 },
    { name: 's', s: 1 },
  ];
  const seconds = Math.round(ms / 1_000);
  const first = units.findIndex(({ s }) => seconds >= s);
  const parts = units.slice(first, first + 2).map(({ name, s }, i) => {
    const count = Math.floor((i === 0 ? seconds : seconds % (units[first]?.s ?? 1)) / s);
    return { name, count };
  });
  return parts.flatMap(({ name, count }) => (count === 0 ? [] : `${count} ${name}`)).join(' ');
}

/** `just now`, `12 s ago`, `3 min ago`. */
export function ago(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  if (ms < 1_000) return 'just now';
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s ago`;
  return ms < 3_600_000 ? `${Math.floor(ms / 60_000)} min ago` : `${Math.floor(ms / 3_600_000)} h ago`;
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  return count < 1_000_000 ? `${COUNT.format(count / 1_000)} KB` : `${COUNT.format(count / 1_000_000)} MB`;
}

export function countOf(count: number): string {
  return COUNT.format(count);
}

/** `1 device`, `2 devices`. */
export function plural(count: number, one: string, more = `${one}s`): string {
  return `${COUNT.format(count)} ${count === 1 ? one : more}`;
}

export function milliseconds(ms: number): string {
  // The service measures whole ones.
  if (ms === 0) return '<1 ms';
  if (ms >= 10_000) return `${COUNT.format(ms / 1_000)} s`;
  return `${ms < 10 ? COUNT.format(ms) : Math.round(ms)} ms`;
}

/** Whole seconds, and never zero: a try that is due is under way. */
export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((atMs - nowMs) / 1_000));
}

const REASONS: Record<LossReason | 'invalid_url' | 'closed', string> = {
  connection_lost: 'No connection',
  token_failed: 'No token',
  unauthorized: 'Token refused',
  token_expired: 'Token expired',
  token_revoked: 'Token revoked',
  shutting_down: 'The service is stopping',
  unavailable: 'The service is not ready',
  rate_limited: 'Too many messages',
  message_too_large: 'A message was too large',
  slow_consumer: 'Too slow in reading',
  too_many_connections: 'Too many connections',
  bad_request: 'Handshake refused',
  disconnected: 'Sent away by an operator',
  invalid_url: 'No address',
  closed: 'Closed',
};

export interface StateInWords {
  readonly tone: 'good' | 'busy' | 'bad' | 'off';
  readonly text: string;
}

export function connectionInWords(state: ConnectionState, nowMs: number): StateInWords {
  switch (state.status) {
    case 'connected':
      return { tone: 'good', text: 'Connected' };
    case 'connecting':
      return { tone: 'busy', text: 'Connecting …' };
    case 'waiting':
      return {
        tone: 'bad',
        text: `${REASONS[state.reason]}, next try in ${secondsUntil(state.retryAt, nowMs)} s`,
      };
    case 'closed':
      return { tone: 'off', text: state.reason === 'closed' ? 'Closed' : `Closed: ${REASONS[state.reason]}` };
  }
}
