/** The scopes of operators' tokens. Each admin route names those that will do; `admin` does for all of them. */

/** What each allows, in words for the documentation. */
export const adminScopes = {
  'admin:read':
    'Reads what there is: presence, departments, dead letters, queues, `explain`; watches the console.',
  'admin:dead-letters': 'Reads, redrives and discards dead letters.',
  'admin:users': 'Disconnects users, revokes their tokens, changes their departments.',
  'admin:erase': "Exports and erases a person's data.",
  admin: 'Everything.',
} as const;

export type AdminScope = keyof typeof adminScopes;

/** Those that will do for a call. The first is the least that one can ask for. */
export type SufficientScopes = readonly [AdminScope, ...AdminScope[]];

export function isAdminScope(word: string): word is AdminScope {
  return Object.hasOwn(adminScopes, word);
}

/** With `admin`, which always does. */
export function withAdmin(scopes: SufficientScopes): SufficientScopes {
  return scopes.includes('admin') ? scopes : [...scopes, 'admin'];
}
