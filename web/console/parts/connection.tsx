/** The state of a connection in words, with a mark whose shape tells it too. */
import type { ConnectionState } from '../../../src/clients/client/connect.ts';
import { nowMs } from '../clock.ts';
import { connectionInWords, type StateInWords } from '../words.ts';

export function StateMark({ tone, text }: StateInWords) {
  return (
    <span class="state" data-tone={tone}>
      <span class="state-mark" aria-hidden="true" />
      {text}
    </span>
  );
}

export function Connection({ state }: { readonly state: ConnectionState }) {
  // Only what counts down is drawn again as time passes.
  const now = state.status === 'waiting' ? nowMs.value : 0;
  return <StateMark {...connectionInWords(state, now)} />;
}
