/** Why a command did not do what it was asked, with the exit code that says whose fault that is. */
import { reasonOf } from '../resilience/reason.ts';

export class Failure extends Error {
  /** Stable: the service's own code where it gave one. */
  readonly code: string;
  /** 1: it failed. 2: it was called in a wrong way. */
  readonly exitCode: 1 | 2;

  constructor(code: string, message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }

  static wrongUsage(message: string): Failure {
    return new Failure('wrong_usage', message, 2);
  }

  static from(error: unknown): Failure {
    if (error instanceof Failure) return error;
    return new Failure('failed', reasonOf(error));
  }
}
