/** The address of the page as a signal. */
import { signal } from '@preact/signals';
import { hashOf, type OperateView, type Params, readPlace, type TryView } from './place.ts';

export const place = signal(readPlace(location.hash));

addEventListener('hashchange', () => {
  place.value = readPlace(location.hash);
});

/** As a step that the browser's Back undoes. */
export function go(view: TryView | OperateView, params: Params = {}): void {
  location.hash = hashOf(view, params);
  // Not only when the browser tells of it, which is later.
  place.value = readPlace(location.hash);
}
