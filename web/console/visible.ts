/** Whether somebody can see the page: while it is hidden, nothing is asked again and again. */
import { signal } from '@preact/signals';

export const isPageVisible = signal(document.visibilityState === 'visible');

document.addEventListener('visibilitychange', () => {
  isPageVisible.value = document.visibilityState === 'visible';
});
