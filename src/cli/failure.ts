/**
 * Why a command did not do what it was asked, with its exit code.
 *
 * A `catch` in this folder turns only errors that it knows into a Failure or a Finding: those of the network, of a file,
 * or of what another program answered. It rethrows everything else. `main.ts` prints what is not a Failure with its
 * stack, because that is a fault in this program.
 */
import { isProgrammingError } from '../resilience/unavailable.ts';

export class Failure extends Error {
  /** Stable: the service's own code where it gave one. */
  readonly code: string;
  /** 1: the command failed. 2: it was called in a wrong way. */
  readonly exitCode: 1 | 2;

  constructor(code: string, message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }

  static wrongUsage(message: string): Failure {
    return new Failure('wrong_usage', message, 2);
  }
}

/**
 * The message of an error that a driver or the system raised. amqplib gives most of its errors neither a class nor a
 * code, so that only the language's own errors can be distinguished from them.
 *
 * @throws the error itself when it is a fault in the code
 */
export function driverReasonOf(error: unknown): string {
  if (!(error instanceof Error) || isProgrammingError(error)) throw error;
  return error.message || error.name;
}
