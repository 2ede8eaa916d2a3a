/** The console's reading of Server-Sent Events, however a network cuts them. */
import { describe, expect, test } from 'vitest';
import { type ServerSentEvent, SseParser } from '../../../web/console/sse.ts';
import fc from '../../support/fast-check.ts';

function parse(...pieces: string[]): ServerSentEvent[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

describe('the parser of Server-Sent Events', () => {
  test('takes an event by its empty line, and joins its data', () => {
    expect(parse('event: tick\ndata: {\ndata: }\n\n')).toEqual([{ event: 'tick', data: '{\n}' }]);
    expect(parse('data:no space\n\n')).toEqual([{ event: 'message', data: 'no space' }]);
    expect(parse('data\n\n')).toEqual([{ event: 'message', data: '' }]);
  });

  test('passes over comments, other fields, and what is without data', () => {
    expect(parse(': still here\n\nevent: tick\n\nid: 1\nretry: 5\ndata: a: b\n\n')).toEqual([
      { event: 'message', data: 'a: b' },
    ]);
  });

  test('says nothing of an event that is not finished', () => {
    expect(parse('data: 1\n\ndata: 2\n')).toEqual([{ event: 'message', data: '1' }]);
  });

  test.each(['\n', '\r\n', '\r'])('gives the same however it is cut, with lines that end in %j', (end) => {
    const text = ['event: tick', 'data: {"a":1}', '', ': ping', '', 'data: b', 'data: c', '', ''].join(end);
    // A carriage return that is the last there is may be half of a line's end.
    const whole = parse(`${text}: more`);
    expect(whole).toEqual([
      { event: 'tick', data: '{"a":1}' },
      { event: 'message', data: 'b\nc' },
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((to, i) => text.slice(at[i], to));
        expect(parse(...pieces, ': more')).toEqual(whole);
      }),
    );
  });
});
