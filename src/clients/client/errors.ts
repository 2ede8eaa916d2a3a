/** What can go wrong, as codes that an app may act on. */
import type { GoawayCode, HandshakeErrorCode, RequestErrorCode } from '../../contract/socket.ts';

export type ClientErrorCode =
  | RequestErrorCode
  /** Why the server closed the connection or refused it, when that is for the app to know. */
  | Extract<GoawayCode, 'message_too_large' | 'slow_consumer'>
  | Extract<HandshakeErrorCode, 'too_many_connections'>
  /** The app's own `token()` failed, or took too long. */
  | 'token_failed'
  /** The connection was lost, or the answer took too long. */
  | 'no_answer'
  /** The app's `url` cannot be connected to. */
  | 'invalid_url'
  /** `close()` was called. */
  | 'closed';

export class CarillonError extends Error {
  override readonly name = 'CarillonError';
  readonly code: ClientErrorCode;
  /** When the server would do it, if it has said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ClientErrorCode, message: string, cause?: unknown, retryAfterMs?: number) {
    super(message, { cause });
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
