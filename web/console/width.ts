/** Whether the page is so narrow that the panes are tabs. The style sheets know the same width. */
import { signal } from '@preact/signals';

const query = matchMedia('(max-width: 47.99rem)');

export const isNarrow = signal(query.matches);

query.addEventListener('change', ({ matches }) => {
  isNarrow.value = matches;
});
