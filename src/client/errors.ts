/** What can go wrong, as codes that an app may act on. */
import type { RequestErrorCode } from '../contract/socket.ts';

export type ClientErrorCode =
  | RequestErrorCode
  /** The app's own `token()` failed. */
  | 'token_failed'
  /** The connection was lost, or the answer took too long. */
  | 'no_answer'
  /** `close()` was called. */
  | 'closed';

export class CarillonError extends Error {
  override readonly name = 'CarillonError';
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
