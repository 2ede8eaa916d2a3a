/** Verifies tokens for the peers: HS256 with jose, as its documentation shows. */
import { jwtVerify } from 'jose';

const key = new TextEncoder().encode(process.env.JWT_SECRET);

export interface Bearer {
  readonly user: string;
  readonly departments: readonly string[];
}

/** @throws when the token is not valid */
export async function bearerOf(token: unknown): Promise<Bearer> {
  if (typeof token !== 'string') throw new Error('unauthorized');
  const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], requiredClaims: ['exp', 'sub'] });
  const { sub = '', departments } = payload;
  return { user: sub, departments: Array.isArray(departments) ? departments : [] };
}
