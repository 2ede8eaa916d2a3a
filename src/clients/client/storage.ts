/** Where cursors outlive the page or the app: localStorage, memory, or what the app hands in. */
import type { Environment } from './environment.ts';

/** React Native's AsyncStorage fits with two lines; see docs/client.md. What it throws costs cursors and nothing else. */
export interface ClientStorage {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  set(key: string, value: string): unknown;
}

export function defaultStorage({ webStorage }: Environment): ClientStorage {
  if (webStorage !== undefined) {
    return { get: (key) => webStorage.getItem(key), set: (key, value) => webStorage.setItem(key, value) };
  }
  const memory = new Map<string, string>();
  return { get: (key) => memory.get(key), set: (key, value) => memory.set(key, value) };
}
