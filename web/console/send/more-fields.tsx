/** The attributes that few events need. They open by themselves when one of them is wrong. */
import { useSignal } from '@preact/signals';
import { Field } from '../parts/field.tsx';
import type { Composer } from './composer.ts';
import type { TextField } from './event-fields.ts';
import { faultAt, TextLine } from './text-line.tsx';

const FIELDS: readonly TextField[] = ['type', 'source', 'id', 'collapsekey', 'expirytime'];

const EXPIRIES = [
  { name: 'in a minute', ms: 60_000 },
  { name: 'in an hour', ms: 3_600_000 },
  { name: 'in a day', ms: 86_400_000 },
];

export function MoreFields({ composer }: { readonly composer: Composer }) {
  const isOpen = useSignal(false);
  const hasFault = FIELDS.some((field) => faultAt(composer, field) !== undefined);
  return (
    <details
      class="more"
      open={isOpen.value || hasFault}
      onToggle={(event) => (isOpen.value = event.currentTarget.open)}
    >
      <summary>More: type, source, id, collapse key, expiry</summary>
      <div class="pair">
        <TextLine composer={composer} field="type" label="Type" />
        <TextLine composer={composer} field="source" label="Source" />
      </div>
      <TextLine composer={composer} field="id" label="Id" />
      <label class="tick">
        <input
          type="checkbox"
          checked={composer.renewsId.value}
          onChange={(event) => (composer.renewsId.value = event.currentTarget.checked)}
        />
        A new id for each event. The same id again is a repeat, which is delivered once.
      </label>
      <TextLine
        composer={composer}
        field="collapsekey"
        label="Collapse key"
        placeholder="the newest of a key is shown"
      />
      <Field
        id="send-expirytime"
        label="Expires"
        fault={faultAt(composer, 'expirytime')}
        hint={EXPIRIES.map(({ name, ms }) => (
          <button
            key={name}
            type="button"
            class="chip small"
            onClick={() => composer.write('expirytime', new Date(Date.now() + ms).toISOString())}
          >
            {name}
          </button>
        ))}
      >
        {(described) => (
          <input
            {...described}
            placeholder="never"
            value={composer.read('expirytime')}
            onInput={(event) => composer.write('expirytime', event.currentTarget.value)}
          />
        )}
      </Field>
    </details>
  );
}
