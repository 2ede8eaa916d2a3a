/**
 * Watches the traffic between tests and the servers that they start. This needs `setup.ts`, which provides the
 * documents; elsewhere, as in benchmarks, nothing here does anything.
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

/** Ports of Carillon, and of proxies in front of it, which may answer themselves. */
const [servers, proxies] = [new Set<string>(), new Set<string>()];
/** Polling sessions that use `fetch`, by id. */
const polling = new Map<string, Frames>();

export function handOver(parsed: Documents): void {
  documents = parsed;
}

/** MUST be called before anybody connects. */
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
  // Loaded only here: most test files start no server.
  const [{ Ajv2020 }, { Schemas }, { Answers }, { Frames, Messages }, { watchManagers }] = await Promise.all([
    import('ajv/dist/2020.js'),
    import('./documents.ts'),
    import('./answers.ts'),
    import('./frames.ts'),
    import('./managers.ts'),
  ]);
  // Types are lists where something may come in two ways; formats are checked, but not those of which nothing is said here.
  const ajv = new Ajv2020({ allErrors: false, strict: false, formats: { base64: true } });
  const schemas = new Schemas(parsed, ajv);
  const messages = new Messages(schemas);
  watching = { answers: new Answers(schemas), messages, framesOf: (asks) => new Frames(messages, asks) };
  await watchManagers((url, asks) => framesOf(url, asks));
}

/**
 * The frames of a connection to this URL; undefined if nobody watches. `asks`: the client's requests are checked too.
 */
export function framesOf(url: string, asks = false): Frames | undefined {
  if (watching === undefined) return undefined;
  const port = portOf(url);
  return port !== '' && (servers.has(port) || proxies.has(port)) ? watching.framesOf(asks) : undefined;
}

export function checkAnswer(url: string, answer: Answer): void {
  if (watching !== undefined && servers.has(portOf(url))) watching.answers.check(answer);
}

/** `text`: the CloudEvent's JSON. */
export async function checkSignal(text: string): Promise<void> {
  await begin();
  watching?.messages.checkSignal(text);
}

export async function checkDeadLetter(headers: Readonly<Record<string, unknown>>): Promise<void> {
  await begin();
  watching?.messages.checkDeadLetter(headers);
}

/** What `fetch` was asked and has brought. The caller keeps the response, and may read it or not. */
export function checkFetched(input: unknown, init: RequestInit | undefined, response: Response): void {
  const target = input instanceof Request ? input.url : String(input);
  if (watching === undefined || !URL.canParse(target) || !servers.has(portOf(target))) return;
  const { pathname, searchParams } = new URL(target);
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  const { status, headers } = response;
  const contentType = headers.get('content-type') ?? '';
  const header = (name: string) => headers.get(name) ?? undefined;
  const answer = { method: method.toUpperCase(), path: pathname, status, contentType, header };
  // An event stream may never end.
  const isRead = response.body !== null && !contentType.startsWith('text/event-stream');
  if (!isRead) {
    checkAnswer(target, { ...answer, body: undefined });
    return;
  }
  const copy = response.clone();
  // A test may have closed it meanwhile.
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

/** Empty where a test chose one that no URL has. */
function portOf(url: string): string {
  return URL.canParse(url) ? new URL(url).port : '';
}
