/** Options that several commands share, and the values that their texts stand for. */
import { InvalidArgumentError } from 'commander';
import { momentOf } from '../contract/rfc3339.ts';

export const JSON_OPTION = ['--json', 'one line of JSON each, for programs'] as const;

/** A list with commas; the option may also be repeated. */
export function listed(value: string, before: readonly string[] = []): string[] {
  const parts = value.split(',').map((part) => part.trim());
  return [...before, ...parts.filter((part) => part !== '')];
}

export function whole(min: number, max: number) {
  return (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `30m`, `12h`, `7d`, in seconds. */
export function duration(value: string): number {
  const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(value) ?? [];
  if (digits === undefined || !isUnit(unit))
    throw new InvalidArgumentError('It must be like 30m, 12h or 7d.');
  return Number(digits) * UNITS[unit];
}

function isUnit(unit: string | undefined): unit is keyof typeof UNITS {
  return unit !== undefined && unit in UNITS;
}

/** A moment in RFC 3339, or how long ago it was: `2h`. */
export function moment(value: string): string {
  if (/^\d{1,6}[smhd]$/.test(value)) return new Date(Date.now() - duration(value) * 1_000).toISOString();
  const written = momentOf(value);
  const atMs = Number.isNaN(written) ? Date.parse(value) : written;
  if (Number.isNaN(atMs))
    throw new InvalidArgumentError('It must be a moment, or how long ago: 2026-11-20T09:00:00Z, 2h.');
  return new Date(atMs).toISOString();
}
