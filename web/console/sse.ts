/** Server-Sent Events from a response's text, in whatever pieces it comes. EventSource cannot send a token. */

export interface ServerSentEvent {
  /** `message` when the server names none. */
  readonly event: string;
  readonly data: string;
}

export class SseParser {
  #rest = '';
  #event = '';
  #data: string[] = [];

  /** The events that this piece completes. */
  push(piece: string): ServerSentEvent[] {
    const text = this.#rest + piece;
    // A carriage return at the end may be half of a line's end.
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = (lines.pop() ?? '') + text.slice(end);
    return lines.flatMap((line) => this.#take(line));
  }

  #take(line: string): ServerSentEvent[] {
    if (line === '') return this.#dispatch();
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    return [];
  }

  #dispatch(): ServerSentEvent[] {
    const complete = { event: this.#event || 'message', data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    return isEmpty ? [] : [complete];
  }
}
