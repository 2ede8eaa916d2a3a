/** The question for an operator's token, or to log in again. What was typed in the panes behind it stays. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Field } from './parts/field.tsx';
import type { ConsoleSession } from './session.ts';

interface GateProps {
  readonly session: ConsoleSession;
  readonly isTrying: boolean;
}

export function Gate({ session, isTrying }: GateProps) {
  const token = useSignal(session.api.adminToken.value);
  const input = useRef<HTMLTextAreaElement>(null);
  const refusal = session.api.refusal.value;
  useEffect(() => {
    if (!isTrying) input.current?.focus();
  }, [isTrying]);
  const admit = (event: Event) => {
    event.preventDefault();
    if (token.value.trim() !== '') void session.admit(token.value.trim());
  };
  return (
    <div class="gate">
      <form class="gate-form" aria-labelledby="gate-title" onSubmit={admit}>
        <h2 id="gate-title">Admin token</h2>
        <p class="quiet">
          This console shows what everybody is sent. Paste a token with the scope <code>admin</code>, or with{' '}
          <code>admin:read</code> to watch; it stays in this tab and is forgotten with it.
        </p>
        <Field id="gate-token" label="Token" fault={refusal && `${refusal.code}: ${refusal.detail}`}>
          {(described) => (
            <textarea
              {...described}
              ref={input}
              class="mono"
              rows={4}
              spellcheck={false}
              autocapitalize="off"
              autocomplete="off"
              value={token.value}
              onInput={(event) => (token.value = event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter') admit(event);
              }}
            />
          )}
        </Field>
        <p class="quiet">
          <code>node dist/cli/main.js token &lt;user&gt; --scope admin</code> makes one where the secret is at
          hand.
        </p>
        <button type="submit" class="primary" disabled={isTrying}>
          {isTrying ? 'Trying …' : 'Come in'}
        </button>
      </form>
    </div>
  );
}

/** Where a proxy logs people in, no token is asked for. */
export function LoggedOut({ session }: { readonly session: ConsoleSession }) {
  const refusal = session.api.refusal.value;
  const user = session.user.value;
  const isLacking = refusal?.code === 'forbidden' && user !== undefined;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <div class="gate">
      <section class="gate-form" aria-labelledby="gate-title">
        <h2 id="gate-title">Log in</h2>
        <p class="quiet" role="alert">
          {isLacking
            ? `You are logged in as ${user}. ${refusal.code}: ${refusal.detail}`
            : 'Your login has ended, or is not taken here.'}
        </p>
        <button ref={button} type="button" class="primary" onClick={() => location.reload()}>
          Log in again
        </button>
      </section>
    </div>
  );
}
