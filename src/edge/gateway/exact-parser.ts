/**
 * Socket.IO's parser, except that numbers stay as they were written, in answers that hold notifications and in what
 * clients publish. Socket.IO uses JSON.parse and JSON.stringify, which round every number to a double.
 */
import { Decoder, Encoder, type Packet } from 'socket.io-parser';
import { isJsonObject } from '../../contract/json.ts';
import { elementTexts, memberText } from '../../contract/json-text.ts';
import { exactly, rememberText } from '../../contract/written.ts';

class ExactEncoder extends Encoder {
  override encode(packet: Packet): unknown[] {
    let attachments: unknown[] = [];
    const text = exactly(() => {
      const [first, ...others]: unknown[] = super.encode(packet);
      attachments = others;
      return String(first);
    });
    return [text, ...attachments];
  }
}

/** A `publish` in namespace `/` with an acknowledgement. Others are not answered, and their data is not read. */
const PUBLISH = /^2\d+\[\s*"publish"/;

class ExactDecoder extends Decoder {
  override add(chunk: unknown): void {
    if (typeof chunk === 'string' && PUBLISH.test(chunk)) {
      // Few sockets publish, so this listens once for each publish and not for the socket's whole life.
      this.once('decoded', (packet) => rememberData(packet, chunk));
    }
    super.add(chunk);
  }
}

function rememberData({ data }: Packet, chunk: string): void {
  if (!Array.isArray(data)) return;
  const request: unknown = data[1];
  if (!isJsonObject(request) || !isJsonObject(request.data)) return;
  const [, text = ''] = elementTexts(chunk.slice(chunk.indexOf('[')));
  const written = memberText(text, 'data');
  if (written !== undefined) rememberText(request.data, written);
}

export const exactParser = { Encoder: ExactEncoder, Decoder: ExactDecoder };
