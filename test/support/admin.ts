/** Requests to `/admin` with a token that has the right to make them. */
import { type CarillonProcess, tokenFor } from './carillon.ts';

export interface AdminAnswer {
  readonly status: number;
  /** Undefined when the answer has no body. */
  readonly answer: unknown;
}

/** `path`: the part behind `/admin/`. */
export async function admin(
  { opsUrl }: Pick<CarillonProcess, 'opsUrl'>,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  { body, token }: { readonly body?: unknown; readonly token?: string } = {},
): Promise<AdminAnswer> {
  const bearer = token ?? (await tokenFor('operator', { scope: 'admin' }));
  const response = await fetch(`${opsUrl}/admin/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, answer: text === '' ? undefined : JSON.parse(text) };
}
