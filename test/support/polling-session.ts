/**
 * A session over polling that a test drives request by request, which no client library allows. It can also upgrade.
 */
import { openRawSocket, type RawSocket } from './raw-socket.ts';

const HANDSHAKE = '/socket.io/?EIO=4&transport=polling';

export class PollingSession {
  readonly #url: string;
  #sid = '';

  constructor(url: string) {
    this.#url = url;
  }

  /** Resolves when the `session` message has arrived. */
  async open(token: string): Promise<void> {
    const [opened = ''] = await this.poll();
    this.#sid = JSON.parse(opened.slice(1)).sid;
    await this.post(`40${JSON.stringify({ token })}`);
    for (;;) if ((await this.poll()).some((packet) => packet.startsWith('42["session"'))) return;
  }

  /** The packets that were waiting, or else the next one to arrive. */
  async poll(): Promise<readonly string[]> {
    const response = await fetch(this.#address());
    return (await response.text()).split('\x1e');
  }

  async post(packet: string): Promise<void> {
    await (await fetch(this.#address(), { method: 'POST', body: packet })).text();
  }

  /** Upgrades to a WebSocket, up to the last packet of Engine.IO's upgrade. */
  async upgrade(): Promise<RawSocket> {
    const path = `/socket.io/?EIO=4&transport=websocket&sid=${this.#sid}`;
    const socket = await openRawSocket(this.#url, path);
    socket.send('2probe');
    await socket.heard('3probe');
    socket.send('5');
    return socket;
  }

  #address(): string {
    return `${this.#url}${HANDSHAKE}${this.#sid === '' ? '' : `&sid=${this.#sid}`}`;
  }
}
