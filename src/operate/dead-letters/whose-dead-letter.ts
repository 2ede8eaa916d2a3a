/** Whose a dead letter is, as far as it says so: what an erasure does with it follows from this. */
import type { Audience } from '../../contract/audience.ts';
import { type ReadEvent, STRUCTURED_TYPE, textOfEvent } from '../../contract/cloudevent.ts';
import { encodeId } from '../../contract/id.ts';
import type { Read } from '../../contract/refusal.ts';
import { fingerprintOf } from '../../pipeline/ingest/message.ts';
import { arrivalIn } from '../../pipeline/sources/arrival.ts';
import type { MessageReader } from '../../pipeline/sources/message-reader.ts';
import type { StoredDeadLetter } from './dead-letter-store.ts';
import { reasonHeaders } from './dead-letter-writer.ts';
import { factsOf } from './stored-dead-letter.ts';

export interface WhoseOptions {
  readonly reader: Pick<MessageReader, 'read' | 'envelopeIn'>;
  /** The audiences of an event that names none, by the routes that this process has. */
  readonly routed: (read: ReadEvent) => Read<readonly Audience[]>;
}

export type Whose =
  /** It does not say that it is for the user. */
  | { readonly kind: 'others' }
  /** It cannot be kept without what is the user's. */
  | { readonly kind: 'own' }
  /** It names others beside the user. `rest`: the same for them alone. */
  | { readonly kind: 'among others'; readonly rest: StoredDeadLetter };

const OTHERS: Whose = { kind: 'others' };
const OWN: Whose = { kind: 'own' };

export function whoseIs(deadLetter: StoredDeadLetter, user: string, { reader, routed }: WhoseOptions): Whose {
  const audience: Audience = `user:${user}`;
  const read = reader.read(arrivalIn(deadLetter));
  if (!read.ok) return names(deadLetter, audience, reader) ? OWN : OTHERS;
  const { event, envelope } = read.value;
  if (event.audience === undefined) {
    const mapped = routed(read.value);
    // Its data led to the user. Without that it would be another event.
    return mapped.ok && mapped.value.includes(audience) ? OWN : OTHERS;
  }
  if (!event.audience.includes(audience)) return OTHERS;
  const rest = event.audience.filter((one) => one !== audience);
  if (rest.length === 0) return OWN;
  const without = { event: { ...event, audience: rest }, envelope: { ...envelope, audience: rest } };
  return { kind: 'among others', rest: rewritten(deadLetter, textOfEvent(without), reader) };
}

/** With the same reason, as a CloudEvent, whatever form it came in. */
function rewritten(
  deadLetter: StoredDeadLetter,
  text: string,
  reader: WhoseOptions['reader'],
): StoredDeadLetter {
  const { reason, detail, path, time } = factsOf(deadLetter, reader);
  const headers = {
    ...reasonHeaders({ code: reason, message: detail, path }),
    ...(time === undefined ? {} : { 'x-carillon-time': time }),
  };
  const { fields } = deadLetter;
  const content = Buffer.from(text);
  const properties = { contentType: STRUCTURED_TYPE, headers };
  const messageId = fingerprintOf({ content, fields, properties });
  return { content, fields, properties: { ...properties, messageId } };
}

/** Whether a message that is no event names the audience: in the attribute, if that can be found, or else anywhere. */
function names(deadLetter: StoredDeadLetter, audience: Audience, reader: WhoseOptions['reader']): boolean {
  const named = reader.envelopeIn(arrivalIn(deadLetter))?.audience;
  if (typeof named === 'string')
    return named.split(',').some((one) => one.trim().normalize('NFC') === audience);
  if (Array.isArray(named)) return named.includes(audience);
  if (named !== undefined) return false;
  const text = deadLetter.content.toString();
  const written = [audience, JSON.stringify(audience).slice(1, -1), encodeId(audience)];
  return written.some((form) => isIn(text, form));
}

/** What may follow a whole id: behind anything else it is the beginning of another one. */
const END = /^(?:$|[\s"'`,;\\\])}<&|])/;

function isIn(text: string, form: string): boolean {
  for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) {
    const end = at + form.length;
    if (END.test(text.slice(end, end + 1))) return true;
  }
  return false;
}
