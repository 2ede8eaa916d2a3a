/** Runs carry the frames of a turn in order, and sockets that are sent the same share one run and its bytes. */
import { afterEach, describe, expect, test } from 'vitest';
import { Run } from '../../../../../src/edge/gateway/wire/write-batch.ts';
import fc from '../../../../support/fast-check.ts';

afterEach(() => Run.EMPTY.forget());

const frameOf = (name: string) => Buffer.from(`<${name}>`);

/** The runs of some sockets in one turn, and beside them what each socket was sent. */
class MicroBatch {
  readonly runs: Run[];
  readonly sent: Buffer[][];

  constructor(sockets: number) {
    this.runs = Array.from({ length: sockets }, () => Run.EMPTY);
    this.sent = Array.from({ length: sockets }, () => []);
  }

  send(socket: number, frame: Buffer): void {
    this.runs[socket] = (this.runs[socket] ?? Run.EMPTY).followedBy(frame);
    this.sent[socket]?.push(frame);
  }

  broadcast(frame: Buffer): void {
    for (const socket of this.runs.keys()) this.send(socket, frame);
  }
}

const SOCKETS = 5;

/** A socket's number: a frame for it alone. Undefined: one for all. */
const anyCalls = fc.array(fc.option(fc.nat(SOCKETS - 1), { nil: undefined, freq: 2 }), { maxLength: 40 });

function play(calls: readonly (number | undefined)[]): MicroBatch {
  const turn = new MicroBatch(SOCKETS);
  for (const [i, socket] of calls.entries()) {
    const frame = frameOf(String(i));
    if (socket === undefined) turn.broadcast(frame);
    else turn.send(socket, frame);
  }
  return turn;
}

describe('whatever is sent to whom', () => {
  test('each socket gets its own frames, in the order of the calls', () => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        const { runs, sent } = play(calls);
        for (const [socket, run] of runs.entries()) {
          const expected = Buffer.concat(sent[socket] ?? []);
          expect(run.bytes).toEqual(expected);
          expect(run.length).toBe(expected.length);
        }
        Run.EMPTY.forget();
      }),
    );
  });

  test('also when turns follow each other and frames come again', () => {
    const frames = ['a', 'b', 'c'].map(frameOf);
    const anySends = fc.array(fc.tuple(fc.nat(SOCKETS - 1), fc.constantFrom(...frames)), { maxLength: 60 });
    fc.assert(
      fc.property(anySends, fc.boolean(), (sends, forgets) => {
        const turn = new MicroBatch(SOCKETS);
        for (const [socket, frame] of sends) turn.send(socket, frame);
        if (forgets) Run.EMPTY.forget();
        expect(turn.runs.map((run) => run.bytes)).toEqual(turn.sent.map((sent) => Buffer.concat(sent)));
      }),
    );
  });

  test('sockets that were sent nothing of their own share one buffer', () => {
    fc.assert(
      fc.property(anyCalls, (calls) => {
        // The last two sockets are in the same rooms only.
        const { runs } = play(calls.filter((socket) => socket === undefined || socket < SOCKETS - 2));
        expect(runs.at(-1)).toBe(runs.at(-2));
        expect(runs.at(-1)?.bytes).toBe(runs.at(-2)?.bytes);
        Run.EMPTY.forget();
      }),
    );
  });
});

test('the bytes of many frames are put together once', () => {
  const turn = new MicroBatch(1_000);
  for (let i = 0; i < 10; i += 1) turn.broadcast(frameOf(String(i)));
  expect(new Set(turn.runs).size).toBe(1);
  expect(new Set(turn.runs.map((run) => run.bytes)).size).toBe(1);
});

test('one frame is sent as it is, without a copy', () => {
  const frame = frameOf('only');
  expect(Run.EMPTY.followedBy(frame).bytes).toBe(frame);
});

test('frames that only look alike are different ones', () => {
  const [one, other] = [Run.EMPTY.followedBy(frameOf('same')), Run.EMPTY.followedBy(frameOf('same'))];
  expect(one).not.toBe(other);
});

test('the empty run has nothing to send', () => {
  expect(Run.EMPTY.length).toBe(0);
  expect(Run.EMPTY.bytes).toHaveLength(0);
});

test('what is forgotten begins anew', () => {
  const frame = frameOf('kept');
  const before = Run.EMPTY.followedBy(frame);
  expect(Run.EMPTY.followedBy(frame)).toBe(before);
  Run.EMPTY.forget();
  expect(Run.EMPTY.followedBy(frame)).not.toBe(before);
  expect(before.bytes).toBe(frame);
});
