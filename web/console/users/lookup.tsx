/** A field with one id to look up; what is looked up stands in the address. */
import { useSignal } from '@preact/signals';

interface LookupProps {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onLook: (value: string) => void;
}

export function Lookup({ id, label, hint, value, onLook }: LookupProps) {
  const typed = useSignal(value);
  return (
    <form
      class="filters lookup"
      aria-label={`Look up: ${label}`}
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        onLook(typed.value.trim());
      }}
    >
      <label for={id}>
        {label}
        <input
          id={id}
          placeholder={hint}
          autocapitalize="off"
          spellcheck={false}
          dir="auto"
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
        />
      </label>
      <div class="button-row">
        <button type="submit" disabled={typed.value.trim() === ''}>
          Look up
        </button>
      </div>
    </form>
  );
}
