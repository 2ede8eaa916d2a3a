/**
 * What became of an event as a line of text, as Redis keeps it:
 *
 *     <receivedAtMs> <settledAtMs> <count>[@<queue>] <audience>,<audience>…[ <dead letter as JSON>]
 *
 * Every event leaves one, and it costs a third of what JSON does to make and to send. Audiences are
 * percent-encoded, and so have neither blanks nor commas. The queue is a partition.
 *
 * What routes and sources gave is in a text of its own, which only events have that got something from them. Earlier
 * versions pass over it.
 */
import { z } from 'zod';
import { decodeId, encodeId } from '../../contract/id.ts';
import { readStored } from '../../contract/json.ts';
import type { SettledEvent } from './outcomes.ts';

const deadLetterSchema = z.object({ code: z.string(), message: z.string(), path: z.string().optional() });

export function settledText({
  receivedAtMs,
  settledAtMs,
  queue,
  audiences,
  count,
  deadLetter,
}: SettledEvent): string {
  const counted = queue === undefined ? count : `${count}@${queue}`;
  const line = `${receivedAtMs} ${settledAtMs} ${counted} ${audiences.map(encodeId).join()}`;
  return deadLetter === undefined ? line : `${line} ${JSON.stringify(deadLetter)}`;
}

/** Undefined for text of another version that cannot be read. */
export function settledFromText(text: string): SettledEvent | undefined {
  const found = /^(\d+) (\d+) (\d+)(?:@([^ ]+))? ([^ ]*)(?: (.+))?$/s.exec(text);
  if (found === null) return undefined;
  const [, receivedAtMs, settledAtMs, count, queue, audiences = '', deadLetter] = found;
  const settled = {
    receivedAtMs: Number(receivedAtMs),
    settledAtMs: Number(settledAtMs),
    count: Number(count),
    ...(queue === undefined ? {} : { queue }),
    audiences: audiences === '' ? [] : audiences.split(',').map((audience) => decodeId(audience) ?? audience),
  };
  if (deadLetter === undefined) return settled;
  const read = readStored(deadLetterSchema, deadLetter);
  return read === undefined ? undefined : { ...settled, deadLetter: read };
}

const givenSchema = z.object({ madeBy: z.string().optional(), titleRoute: z.string().optional() });

/** Undefined when there is nothing to say. */
export function givenText({ madeBy, titleRoute }: SettledEvent): string | undefined {
  return madeBy === undefined && titleRoute === undefined
    ? undefined
    : JSON.stringify({ madeBy, titleRoute });
}

/** Nothing for text of another version that cannot be read. */
export function givenFromText(text: string): Pick<SettledEvent, 'madeBy' | 'titleRoute'> {
  return readStored(givenSchema, text) ?? {};
}
