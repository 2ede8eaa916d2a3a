/**
 * One zlib state that is reused for every message.
 *
 * Node's public one-shot functions set up and free a state each time. For a message of 500 bytes this adds half of
 * the time that compression itself takes. The state's own synchronous call is not public: this is the one file that
 * touches it. {@link reusable} checks it with a round trip before it is used, and a contract test fails when a
 * version of Node moves it.
 */
import { constants, type DeflateRaw, type InflateRaw } from 'node:zlib';

export interface ZlibState {
  /**
   * Runs one whole message through the state and flushes it into `output`.
   * @returns the number of bytes written; undefined when `output` is too small or the input is not valid
   */
  run(input: Buffer, output: Buffer): number | undefined;
}

/** Undefined where this version of Node has no such call. */
export function stateOf(stream: DeflateRaw | InflateRaw): ZlibState | undefined {
  const parts = partsOf(stream);
  if (parts === undefined) return undefined;
  const { handle, written } = parts;
  let failed = false;
  handle.onerror = () => {
    failed = true;
  };
  return {
    run(input, output) {
      failed = false;
      handle.writeSync(constants.Z_SYNC_FLUSH, input, 0, input.length, output, 0, output.length);
      const [left = 0] = written;
      handle.reset();
      return failed || left === 0 ? undefined : output.length - left;
    },
  };
}

/**
 * Whether `inflate` restores what `deflate` writes, twice in a row, so that no state is left from the first message.
 */
export function reusable(deflate: ZlibState, inflate: ZlibState): boolean {
  const message = Buffer.from('42["notification",{"a":"a round trip, a round trip"}]');
  return [1, 2].every(() => {
    const [deflated, inflated] = [Buffer.alloc(256), Buffer.alloc(256)];
    const length = deflate.run(message, deflated);
    if (length === undefined) return false;
    const back = inflate.run(deflated.subarray(0, length), inflated);
    return back !== undefined && inflated.subarray(0, back).equals(message);
  });
}

interface Handle {
  onerror: () => void;
  writeSync(
    flush: number,
    input: Buffer,
    inputOffset: number,
    inputLength: number,
    output: Buffer,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
}

/** `_writeState` holds how much of the output is left, then how much of the input. */
function partsOf(stream: object): { readonly handle: Handle; readonly written: Uint32Array } | undefined {
  if (!('_handle' in stream && '_writeState' in stream)) return undefined;
  const { _handle: handle, _writeState: written } = stream;
  return isHandle(handle) && written instanceof Uint32Array ? { handle, written } : undefined;
}

function isHandle(value: unknown): value is Handle {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'writeSync' in value &&
    typeof value.writeSync === 'function' &&
    'reset' in value &&
    typeof value.reset === 'function'
  );
}
