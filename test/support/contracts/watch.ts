/**
 * Watches the traffic between tests and the servers that they start. It needs `setup.ts`, which hands over the
 * documents. Without it, as in benchmarks, these functions do nothing.
 */
import type { Answer, Answers } from './answers.ts';
import type { Documents } from './documents.ts';
import { follow } from './findings.ts';
import type { Frames, Messages } from './frames.ts';

interface Watching {
  readonly answers: Answers;
  readonly messages: Messages;
  readonly framesOf: (asks: boolean) => Frames;
}

let documents: Documents | undefined;
let beginning: Promise<void> | undefined;
let watching: Watching | undefined;

/**
 * The ports of Carillon, and of the proxies in front of it. A proxy may answer by itself, so its HTTP answers are not
 * checked.
 */
const [servers, proxies] = [new Set<string>(), new Set<string>()];
/** The polling sessions that use `fetch`, by session id. */
const polling = new Map<string, Frames>();

export function handOver(parsed: Documents): void {
  documents = parsed;
}

/** MUST be called before any client connects. */
export async function watchServer(...urls: readonly string[]): Promise<void> {
  await begin();
  for (const url of urls) servers.add(portOf(url));
}

export async function watchProxy(url: string): Promise<void> {
  await begin();
  proxies.add(portOf(url));
}

async function begin(): Promise<void> {
  if (documents === undefined) return;
  beginning ??= load(documents);
  await beginning;
}

async function load(parsed: Documents): Promise<void> {
  // Loads the validators only when they are needed, because most test files start no server.
  const [{ Ajv2020 }, { Schemas }, { Answers }, { Frames, Messages }, { watchManagers }] = await Promise.all([
    import('ajv/dist/2020.js'),
    import('./documents.ts'),
    import('./answers.ts'),
    import('./frames.ts'),
    import('./managers.ts'),
  ]);
  // Not strict: a schema may list several types where a value may come in two forms. Formats are checked, except those
  // that are not defined here.
  const ajv = new Ajv2020({ allErrors: false, strict: false, formats: { base64: true } });
  const schemas = new Schemas(parsed, ajv);
  const messages = new Messages(schemas);
  watching = { answers: new Answers(schemas), messages, framesOf: (asks) => new Frames(messages, asks) };
  await watchManagers((url, asks) => framesOf(url, asks));
}

/**
 * Checks the frames of a connection to this URL; undefined if nobody watches it. `asks`: also check the client's
 * requests.
 */
export function framesOf(url: string, asks = false): Frames | undefined {
  if (watching === undefined) return undefined;
  const port = portOf(url);
  return port !== '' && (servers.has(port) || proxies.has(port)) ? watching.framesOf(asks) : undefined;
}

export function checkAnswer(url: string, answer: Answer): void {
  if (watching !== undefined && servers.has(portOf(url))) watching.answers.check(answer);
}

/** `text`: the JSON of the CloudEvent. */
export async function checkSignal(text: string): Promise<void> {
  await begin();
  watching?.messages.checkSignal(text);
}

export async function checkDeadLetter(headers: Readonly<Record<string, unknown>>): Promise<void> {
  await begin();
  watching?.messages.checkDeadLetter(headers);
}

/** Checks the answer to a `fetch`. It reads a copy, so the caller may read the response or leave it. */
export function checkFetched(input: unknown, init: RequestInit | undefined, response: Response): void {
  const target = input instanceof Request ? input.url : String(input);
  if (watching === undefined || !URL.canParse(target) || !servers.has(portOf(target))) return;
  const { pathname, searchParams } = new URL(target);
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  const { status, headers } = response;
  const contentType = headers.get('content-type') ?? '';
  const header = (name: string) => headers.get(name) ?? undefined;
  const answer = { method: method.toUpperCase(), path: pathname, status, contentType, header };
  // An event stream may never end, so its body is not read.
  const isRead = response.body !== null && !contentType.startsWith('text/event-stream');
  if (!isRead) {
    checkAnswer(target, { ...answer, body: undefined });
    return;
  }
  const copy = response.clone();
  // The test may have closed the response meanwhile.
  const looked = copy.text().then(
    (body) => {
      checkAnswer(target, { ...answer, body });
      if (pathname.startsWith('/socket.io/') && status === 200) {
        poll(searchParams.get('sid') ?? '', init?.body, method === 'GET' ? body : '');
      }
    },
    () => {},
  );
  follow(looked);
}

function poll(sid: string, sent: unknown, came: string): void {
  if (watching === undefined || sid === '') return;
  const frames = polling.get(sid) ?? watching.framesOf(false);
  polling.set(sid, frames);
  if (typeof sent === 'string') for (const packet of sent.split('\x1e')) frames.sent(packet);
  for (const packet of came.split('\x1e')) frames.came(packet);
}

/** Empty for a URL that cannot be parsed, which a test may use on purpose. */
function portOf(url: string): string {
  return URL.canParse(url) ? new URL(url).port : '';
}
