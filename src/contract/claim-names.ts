/**
 * Under which names the claims of a token come: each login provider has its own. Only own properties of what was parsed
 * are looked at, never what a prototype has.
 */
import { isJsonObject, type JsonObject } from './json.ts';

export interface ClaimNames {
  /** A claim, or a path to one: `oid`, `realm_access.roles`, `https://example.com/departments`. */
  readonly user: string;
  readonly departments: string;
  readonly topics: string;
  /** The only claim that scopes are read from; undefined: those that are usual. */
  readonly scope: string | undefined;
  /** Only words that begin with it count, without it. */
  readonly scopePrefix: string | undefined;
}

export const DEFAULT_CLAIM_NAMES: ClaimNames = {
  user: 'sub',
  departments: 'departments',
  topics: 'topics',
  scope: undefined,
  scopePrefix: undefined,
};

/**
 * What a claim holds; undefined when it is not there. A claim of just this name wins over a path, and a longer name over
 * a shorter one: names of clients and URLs have dots in them.
 */
export function claimIn(claims: JsonObject, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const start = name.slice(0, dot);
    const inner = Object.hasOwn(claims, start) ? claims[start] : undefined;
    const found = isJsonObject(inner) ? claimIn(inner, name.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Claims as Carillon itself calls them, so named that whoever reads them under these names finds them again. */
export function namedAs(claims: JsonObject, names: ClaimNames): JsonObject {
  const named: Record<string, unknown> = { ...claims };
  const add = (name: string, value: unknown) => {
    if (value === undefined) return;
    Object.defineProperty(named, name, { value, enumerable: true, configurable: true, writable: true });
  };
  add(names.user, claims.sub);
  add(names.departments, claims.departments);
  add(names.topics, claims.topics);
  const { scope } = claims;
  const { scopePrefix = '' } = names;
  const words = typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : undefined;
  add(names.scope ?? 'scope', words?.map((word) => `${scopePrefix}${word}`).join(' '));
  return named;
}
