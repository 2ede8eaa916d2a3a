/** What a token allows an operator. The service decides; the page only offers no button that would be refused. */

export type WriteScope = 'admin:dead-letters' | 'admin:users';

/** `scopes`: of the token; undefined where nobody has said, and then the service's refusal says it. */
export function lacks(scopes: readonly string[] | undefined, needed: WriteScope): boolean {
  return scopes !== undefined && !scopes.includes(needed) && !scopes.includes('admin');
}
