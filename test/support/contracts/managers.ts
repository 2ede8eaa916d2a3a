/**
 * Watches every Socket.IO client in this process: the tests' own, and `carillon-client`. It reads messages where the
 * library has decoded them, in members that are not public. A test fails when the library moves them.
 */
import type { Manager } from 'socket.io-client';
import { isJsonObject } from '../../../src/contract/json.ts';
import type { Frames } from './frames.ts';

type FramesOf = (url: string, asks: boolean) => Frames | undefined;

/** The packet types as socket.io-parser numbers them. */
const [CONNECT, EVENT, ACK, CONNECT_ERROR] = [0, 2, 3, 4];

const hostile = new WeakSet<object>();

/** Exempts a client that may send any request. MUST be called as soon as the client is created. */
export function mayAskAnything(manager: Manager): void {
  hostile.add(manager);
}

export async function watchManagers(framesOf: FramesOf): Promise<void> {
  const { Manager } = await import('socket.io-client');
  const known = new WeakMap<object, Frames | undefined>();
  const framesFor = (manager: object) => {
    if (!known.has(manager)) {
      const url: unknown = Reflect.get(manager, 'uri');
      known.set(manager, framesOf(String(url), !hostile.has(manager)));
    }
    return known.get(manager);
  };
  before(Manager.prototype, 'ondecoded', (manager, packet) => came(framesFor(manager), packet));
  before(Manager.prototype, '_packet', (manager, packet) => sent(framesFor(manager), packet));
}

/** Makes `look` see each packet before the method handles it. */
function before(
  prototype: object,
  name: string,
  look: (manager: object, packet: Readonly<Record<string, unknown>>) => void,
): void {
  const method: unknown = Reflect.get(prototype, name);
  if (typeof method !== 'function') throw new Error(`socket.io-client's Manager has no ${name} any more`);
  Reflect.set(prototype, name, function look_(this: object, packet: unknown) {
    if (isJsonObject(packet)) look(this, packet);
    return Reflect.apply(method, this, [packet]);
  });
}

function came(frames: Frames | undefined, { type, data, id }: Readonly<Record<string, unknown>>): void {
  if (frames === undefined) return;
  if (type === CONNECT_ERROR) frames.refused(data);
  if (!Array.isArray(data)) return;
  if (type === EVENT) frames.told(String(data[0]), data.slice(1));
  else if (type === ACK) frames.answered(Number(id), data);
}

function sent(frames: Frames | undefined, { type, data, id }: Readonly<Record<string, unknown>>): void {
  if (frames === undefined) return;
  if (type === CONNECT) frames.connects(data);
  else if (type === EVENT && Array.isArray(data))
    frames.asks(String(data[0]), data[1], id === undefined ? undefined : Number(id));
}
