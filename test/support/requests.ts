/** Requests from many loopback addresses, as from many clients. Only the outcome of each counts. */
import { request as httpRequest, type RequestOptions } from 'node:http';
import { checkAnswer } from './contracts/watch.ts';

const TIMEOUT_MS = 20_000;

export interface Outcome {
  /** 0 when no answer came. */
  readonly status: number;
  readonly body: string;
}

export interface Sent extends Pick<RequestOptions, 'method' | 'headers' | 'localAddress'> {
  readonly body?: string;
}

/** Sends the request on a new connection. Closes a granted upgrade at once. */
export function send(url: string, { body, ...options }: Sent = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const request = httpRequest(url, { ...options, agent: false, timeout: TIMEOUT_MS });
    const fail = () => resolve({ status: 0, body: '' });
    request.on('error', fail);
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('upgrade', ({ statusCode = 0 }, stream) => {
      stream.on('error', () => {});
      stream.destroy();
      resolve({ status: statusCode, body: '' });
    });
    request.on('response', (response) => {
      const { statusCode = 0 } = response;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', fail);
      response.on('end', () => {
        const header = (name: string) => [response.headers[name] ?? []].flat()[0];
        checkAnswer(url, {
          method: options.method ?? 'GET',
          path: request.path,
          status: statusCode,
          contentType: header('content-type') ?? '',
          header,
          body: text,
        });
        resolve({ status: statusCode, body: text });
      });
    });
    request.end(body);
  });
}

export const WEB_SOCKET_HEADERS = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Asks for a WebSocket, and closes it at once. */
export const askForWebSocket = (url: string, localAddress: string): Promise<Outcome> =>
  send(`${url}/socket.io/?EIO=4&transport=websocket`, { headers: WEB_SOCKET_HEADERS, localAddress });

/** Begins a session by polling, up to its first message. Returns the answers, up to the first that is not 200. */
export async function pollSession(url: string, token: string, localAddress: string): Promise<Outcome[]> {
  const polling = `${url}/socket.io/?EIO=4&transport=polling`;
  const outcomes = [await send(polling, { localAddress })];
  const [{ status = 0, body = '' } = {}] = outcomes;
  if (status !== 200) return outcomes;
  const { sid }: { sid: string } = JSON.parse(body.slice(1));
  const steps: Sent[] = [
    { method: 'POST', body: `40${JSON.stringify({ token })}` },
    {},
    { method: 'POST', body: '1' },
  ];
  for (const step of steps) {
    const outcome = await send(`${polling}&sid=${sid}`, { ...step, localAddress });
    outcomes.push(outcome);
    if (outcome.status !== 200) break;
  }
  return outcomes;
}
