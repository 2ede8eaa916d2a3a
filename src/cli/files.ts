/** Files that a command is given by name. */
import { readFileSync } from 'node:fs';
import { Failure } from './failure.ts';

/**
 * The file's bytes, or those of standard input for `-`. `option` names it in messages.
 *
 * @throws {Failure} when it cannot be read
 */
export function readBytes(file: string, option: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw Failure.wrongUsage(`${option} cannot be read: ${fileReasonOf(error)}`);
  }
}

/** @throws the error itself when it is not the file system's */
export function fileReasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) {
    if ('syscall' in error || error.code === 'ERR_FS_FILE_TOO_LARGE') return error.message;
  }
  throw error;
}
