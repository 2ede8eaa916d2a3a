/** What a device shows on its screen for a moment. */
import { signal } from '@preact/signals';
import type { Notification } from '../../../src/clients/client/connect.ts';

const SHOWN_MS = 5_000;
const MAX_SHOWN = 3;

interface Toast {
  readonly key: string;
  readonly notification: Notification;
}

export class Toasts {
  /** Newest first. */
  readonly shown = signal<readonly Toast[]>([]);
  #count = 0;

  show(notification: Notification): void {
    this.#count += 1;
    const toast = { key: String(this.#count), notification };
    this.shown.value = [toast, ...this.shown.value].slice(0, MAX_SHOWN);
    setTimeout(() => this.dismiss(toast.key), SHOWN_MS);
  }

  dismiss(key: string): void {
    this.shown.value = this.shown.value.filter((toast) => toast.key !== key);
  }

  clear(): void {
    this.shown.value = [];
  }
}
