/** The `next` of a page: where each log goes on, as text that clients only hand back. */
import { z } from 'zod';
import { audienceSchema } from '../contract/audience.ts';
import { offsetSchema } from '../contract/notification.ts';
import type { Position } from './view.ts';

const positionSchema = z.object({
  offsets: z.partialRecord(audienceSchema, offsetSchema),
  shown: z.array(z.string()),
});

export function formatPosition(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Undefined for what no page gave out. */
export function parsePosition(text: string): Position | undefined {
  try {
    const result = positionSchema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
