/** Which event, and which user. What is asked stands in the address. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { go } from '../address.ts';
import type { Params } from '../place.ts';
import { questionOf } from './explain.ts';

const FIELDS = [
  { name: 'event', label: 'Event id', hint: '7d1c0b9e' },
  { name: 'user', label: 'User', hint: '42' },
  { name: 'source', label: 'Source, if several have the id', hint: '/orders' },
] as const;

/** Drawn anew for other parameters. */
export function QuestionForm({ params }: { readonly params: Params }) {
  const typed = useSignal(questionOf(params));
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    // From a dead letter the event is known and the user may not be: that is where one goes on.
    const first = FIELDS.find(({ name }) => (params[name] ?? '') === '');
    if (first !== undefined && first.name !== 'source')
      form.current?.querySelector<HTMLElement>(`#explain-${first.name}`)?.focus();
  }, [params]);
  const { event, user } = typed.value;
  return (
    <form
      ref={form}
      class="filters"
      aria-label="What to explain"
      autocomplete="off"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        go('explain', { ...typed.value });
      }}
    >
      {FIELDS.map(({ name, label, hint }) => (
        <label key={name} for={`explain-${name}`}>
          {label}
          <input
            id={`explain-${name}`}
            placeholder={hint}
            required={name !== 'source'}
            autocapitalize="off"
            spellcheck={false}
            dir="auto"
            value={typed.value[name]}
            onInput={(changed) => {
              typed.value = { ...typed.value, [name]: changed.currentTarget.value.trim() };
            }}
          />
        </label>
      ))}
      <div class="button-row">
        <button type="submit" class="primary small" disabled={event === '' || user === ''}>
          Explain
        </button>
      </div>
    </form>
  );
}
