/** The event as a form. While the text is broken its fields rest, so that no change of theirs undoes what was typed. */
import type { Devices } from '../devices/devices.ts';
import { Field } from '../parts/field.tsx';
import { AudiencePicker } from './audience-picker.tsx';
import type { Composer } from './composer.ts';
import { MoreFields } from './more-fields.tsx';
import { faultAt, TextLine } from './text-line.tsx';

const SEVERITIES = ['info', 'success', 'warning', 'critical'];

interface EventFormProps {
  readonly composer: Composer;
  readonly devices: Devices;
  readonly onShowText: () => void;
}

export function EventForm({ composer, devices, onShowText }: EventFormProps) {
  const fault = composer.fault.value;
  return (
    <>
      {fault !== undefined && (
        <div class="notice" role="alert">
          <p>
            The CloudEvent's text is not valid (line {fault.line}: {fault.message}). The form shows its last
            valid state.
          </p>
          <button type="button" class="plain" onClick={onShowText}>
            Mend the text
          </button>
          <button type="button" class="plain" onClick={() => composer.discardEdits()}>
            Discard the text
          </button>
        </div>
      )}
      <fieldset class="bare" disabled={fault !== undefined}>
        <AudiencePicker composer={composer} devices={devices} />
        <TextLine composer={composer} field="title" label="Title" />
        <Field id="send-body" label="Body" fault={faultAt(composer, 'body')}>
          {(described) => (
            <textarea
              {...described}
              rows={2}
              value={composer.read('body')}
              onInput={(event) => composer.write('body', event.currentTarget.value)}
            />
          )}
        </Field>
        <TextLine composer={composer} field="url" label="Link" placeholder="/orders/1001" />
        <Severity composer={composer} />
        <MoreFields composer={composer} />
      </fieldset>
    </>
  );
}

function Severity({ composer }: { readonly composer: Composer }) {
  const severity = composer.read('severity') || 'info';
  return (
    <fieldset class="field severity">
      <legend>Severity</legend>
      <div class="segments wide">
        {SEVERITIES.map((name) => (
          <label key={name} data-severity={name}>
            <input
              type="radio"
              name="severity"
              checked={severity === name}
              onChange={() => composer.write('severity', name)}
            />
            <span>
              <i class="severity-mark" aria-hidden="true" />
              {name}
            </span>
          </label>
        ))}
      </div>
      <p class="fault">{faultAt(composer, 'severity')}</p>
    </fieldset>
  );
}
