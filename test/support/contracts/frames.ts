/** Checks the Socket.IO messages of one connection against asyncapi.yaml: names, payloads and acknowledgements. */
import { at, entriesAt, keysOf, type Schemas } from './documents.ts';
import { report } from './findings.ts';

const DOCUMENT = 'asyncapi.yaml';
const NAMESPACE = '#/channels/namespace';

interface Exchange {
  readonly request: readonly string[];
  readonly answer: readonly string[];
}

/** The messages that Socket.IO may carry, by name, each with the place of its schema in the document. */
export class Messages {
  readonly schemas: Schemas;
  readonly told = new Map<string, readonly string[]>();
  readonly exchanges = new Map<string, Exchange>();
  /** The CloudEvents on `carillon.signals`, by type. */
  readonly signals = new Map<string, readonly string[]>();

  constructor(schemas: Schemas) {
    this.schemas = schemas;
    const document = schemas.documents[DOCUMENT];
    for (const [name, operation] of entriesAt(document, 'operations')) {
      const [first, ...more] = this.#payloads(at(operation, 'messages'));
      const [answer] = this.#payloads(at(operation, 'reply', 'messages'));
      if (at(operation, 'channel', '$ref') === NAMESPACE) {
        if (first === undefined) continue;
        if (at(operation, 'action') === 'send') this.told.set(name, first);
        else if (answer !== undefined && name !== 'connect')
          this.exchanges.set(name, { request: first, answer });
      } else if (name === 'tellSignal') {
        for (const keys of [first, ...more]) {
          const type = ['properties', 'type'];
          const one = at(document, ...(keys ?? []), ...type, 'const');
          const several = at(document, ...(keys ?? []), ...type, 'enum');
          if (keys === undefined) continue;
          for (const known of Array.isArray(several) ? several : [one]) this.signals.set(String(known), keys);
        }
      }
    }
  }

  check(what: string, keys: readonly string[], value: unknown): void {
    for (const fault of this.schemas.faults(DOCUMENT, keys, value)) report(DOCUMENT, `${what}: ${fault}`);
  }

  checkSignal(text: string): void {
    const signal: unknown = JSON.parse(text);
    const type = String(at(signal, 'type'));
    const keys = this.signals.get(type);
    if (keys === undefined) report(DOCUMENT, `the signal "${type}" is not in the document`);
    else this.check(`signal ${type}`, keys, signal);
  }

  /** Checks the headers that Carillon adds to a dead letter. */
  checkDeadLetter(headers: Readonly<Record<string, unknown>>): void {
    const own = Object.entries(headers).filter(([name]) => name.startsWith('x-carillon-'));
    this.check('dead letter', component('DeadLetterHeaders'), Object.fromEntries(own));
  }

  #payloads(messages: unknown): (readonly string[] | undefined)[] {
    const document = this.schemas.documents[DOCUMENT];
    if (!Array.isArray(messages)) return [];
    return messages.map((message) => {
      const named = at(document, ...keysOf(at(message, '$ref')), '$ref');
      return keysOf(at(document, ...keysOf(named), 'payload', '$ref'));
    });
  }
}

function component(name: string): readonly string[] {
  return ['components', 'schemas', name];
}

/** Checks the frames of one connection. `asks`: also check the client's messages, because this client behaves well. */
export class Frames {
  readonly #messages: Messages;
  readonly #asks: boolean;
  /** The names of the requests that have no answer yet. */
  readonly #asked = new Map<number, string>();

  constructor(messages: Messages, asks: boolean) {
    this.#messages = messages;
    this.#asks = asks;
  }

  /** MUST be called when the client sends this handshake. */
  connects(auth: unknown): void {
    if (this.#asks) this.#messages.check('handshake', component('HandshakeAuth'), auth ?? {});
  }

  /** MUST be called when the client sends this message. With an `id`, the client expects an answer. */
  asks(name: string, body: unknown, id: number | undefined): void {
    if (id !== undefined) this.#asked.set(id, name);
    if (!this.#asks) return;
    const exchange = this.#messages.exchanges.get(name);
    if (exchange === undefined) report(DOCUMENT, `a client asks for "${name}", which is not in the document`);
    else if (body !== undefined) this.#messages.check(`request ${name}`, exchange.request, body);
  }

  told(name: string, args: readonly unknown[]): void {
    const keys = this.#messages.told.get(name);
    if (keys === undefined) report(DOCUMENT, `the event "${name}" is not in the document`);
    else if (args.length !== 1) report(DOCUMENT, `the event "${name}" has ${args.length} arguments`);
    else this.#messages.check(`event ${name}`, keys, args[0]);
  }

  answered(id: number, args: readonly unknown[]): void {
    const name = this.#asked.get(id) ?? '';
    this.#asked.delete(id);
    const [answer] = args;
    const exchange = this.#messages.exchanges.get(name);
    const keys = at(answer, 'error') === undefined ? exchange?.answer : component('RequestError');
    if (keys === undefined) report(DOCUMENT, `an answer to "${name}", which is not in the document`);
    else this.#messages.check(`answer to ${name}`, keys, answer);
  }

  refused(error: unknown): void {
    this.#messages.check('connect_error', component('ConnectError'), error);
  }

  /** Takes an Engine.IO packet from the server, as text. */
  came(packet: string): void {
    // Type, namespace unless it is `/`, id, JSON.
    const [, type, id, json] = /^4([234])(?:\/[^,]*,)?([^[{]*)(.*)$/s.exec(packet) ?? [];
    if (type === undefined || json === undefined) return;
    const value = parsed(json);
    if (type === '4') this.refused(value);
    else if (!Array.isArray(value)) report(DOCUMENT, `a packet that is none: ${packet.slice(0, 100)}`);
    else if (type === '3') this.answered(Number(id), value);
    else this.told(nameOf(value[0]), value.slice(1));
  }

  /** Takes a packet from the client, which may be anything. */
  sent(packet: string): void {
    const [, id, json = ''] = /^42(\d*)(\[.*)$/s.exec(packet) ?? [];
    if (id === undefined || id === '') return;
    const value = parsed(json);
    if (Array.isArray(value)) this.asks(nameOf(value[0]), value[1], Number(id));
  }
}

/** The name as text. `String()` would call a `toString` that the object may bring along. */
function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Undefined when the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
