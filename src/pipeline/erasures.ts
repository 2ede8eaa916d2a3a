/** Events that waited while a user was erased: they MUST NOT bring back what was erased. */
import { audienceKind, idOf } from '../contract/audience.ts';
import type { Mapped } from './routing/route.ts';

/** Who was erased, and when: a port. All but {@link known} is asked for each event and costs next to nothing. */
export interface Erasures {
  /** Whether the rest is known yet. */
  readonly isKnown: boolean;
  /** Resolves when it is, or when this process stops. */
  readonly known: Promise<void>;
  readonly isAnyErased: boolean;
  /** In milliseconds since 1970; undefined: not erased. */
  erasedBeforeMs(user: string): number | undefined;
}

/**
 * The audiences without the users who were erased after the event was published. An event of which nobody knows when it
 * was published counts as a new one.
 */
export function withoutErased(
  mapped: readonly Mapped[],
  publishedAtMs: number | undefined,
  erasures: Pick<Erasures, 'isAnyErased' | 'erasedBeforeMs'> | undefined,
): readonly Mapped[] {
  if (erasures === undefined || !erasures.isAnyErased || publishedAtMs === undefined) return mapped;
  return mapped.filter(
    ({ audience }) =>
      audienceKind(audience) !== 'user' || publishedAtMs >= (erasures.erasedBeforeMs(idOf(audience)) ?? 0),
  );
}
