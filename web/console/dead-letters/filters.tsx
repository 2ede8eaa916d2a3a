/** The form that narrows the list. What it says stands in the address, so that a runbook can link to it. */
import { useSignal } from '@preact/signals';
import { go } from '../address.ts';
import { localTime, momentFrom } from '../operate/local-time.ts';
import { type Filter, type FilterField, given } from './filter.ts';

const TEXTS: readonly { readonly field: FilterField; readonly label: string; readonly hint: string }[] = [
  { field: 'reason', label: 'Reason', hint: 'no_audience' },
  { field: 'type', label: 'Type', hint: 'order.*' },
  { field: 'source', label: 'Source', hint: '/orders*' },
];

const TIMES: readonly { readonly field: FilterField; readonly label: string }[] = [
  { field: 'after', label: 'From' },
  { field: 'before', label: 'Until' },
];

export function Filters({ filter }: { readonly filter: Filter }) {
  const typed = useSignal(filter);
  const write = (field: FilterField, value: string) => {
    typed.value = { ...typed.value, [field]: value };
  };
  return (
    <form
      class="filters"
      aria-label="Filter the dead letters"
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        go('dead-letters', given(typed.value));
      }}
    >
      {TEXTS.map(({ field, label, hint }) => (
        <label key={field}>
          {label}
          <input
            placeholder={hint}
            autocapitalize="off"
            spellcheck={false}
            dir="auto"
            value={typed.value[field]}
            onInput={(event) => write(field, event.currentTarget.value.trim())}
          />
        </label>
      ))}
      {TIMES.map(({ field, label }) => (
        <label key={field}>
          {label}
          <input
            type="datetime-local"
            step={1}
            value={localTime(typed.value[field])}
            onInput={(event) => write(field, momentFrom(event.currentTarget.value))}
          />
        </label>
      ))}
      <div class="button-row">
        <button type="submit">Filter</button>
        {Object.keys(given(filter)).length > 0 && (
          <button type="button" class="plain" onClick={() => go('dead-letters')}>
            Show all
          </button>
        )}
      </div>
    </form>
  );
}
