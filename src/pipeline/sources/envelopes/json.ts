/** Plain JSON, as most services publish it: the body is the data, and what is beside it names the event. */
import { parseJsonText } from '../../../contract/json.ts';
import type { Read } from '../../../contract/refusal.ts';
import { rememberText } from '../../../contract/written.ts';
import { contentOf } from '../../ingest/content.ts';
import type { Arrival } from '../arrival.ts';
import { defaultAttributes } from './defaults.ts';
import { headersOf, type OpenEnvelope } from './envelope.ts';

export const openJson: OpenEnvelope = (arrival, maxBytes) => {
  const body = bodyOf(arrival, maxBytes);
  if (!body.ok) return body;
  return {
    ok: true,
    value: {
      attributes: defaultAttributes(arrival),
      body: body.value,
      data: body.value,
      hasData: true,
      traceparent: headersOf(arrival).traceparent,
    },
  };
};

/** What the body holds as JSON. It remembers its text. @param levelsAround see {@link parseJsonText} */
export function bodyOf({ content, properties }: Arrival, maxBytes: number, levelsAround = 0): Read<unknown> {
  const decoded = contentOf(content, properties, maxBytes);
  if (!decoded.ok) return decoded;
  const parsed = parseJsonText(decoded.value, levelsAround);
  if (!parsed.ok) return parsed;
  const { value, text } = parsed.value;
  if (typeof value === 'object' && value !== null) rememberText(value, text);
  return { ok: true, value };
}
