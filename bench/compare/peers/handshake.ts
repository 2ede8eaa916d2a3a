/** How the peers verify a token: HS256 by jose, as its documentation shows. */
import { jwtVerify } from 'jose';

const key = new TextEncoder().encode(process.env.JWT_SECRET);

/** @throws when the token is not valid */
export async function userOf(token: unknown): Promise<string> {
  if (typeof token !== 'string') throw new Error('unauthorized');
  const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], requiredClaims: ['exp', 'sub'] });
  return payload.sub ?? '';
}
