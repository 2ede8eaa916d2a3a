/** A line of text of the event that is composed, with what is wrong with it. */
import { Field } from '../parts/field.tsx';
import type { Composer } from './composer.ts';
import { fieldOf, type TextField } from './event-fields.ts';

interface TextLineProps {
  readonly composer: Composer;
  readonly field: TextField;
  readonly label: string;
  readonly placeholder?: string;
}

export function TextLine({ composer, field, label, placeholder }: TextLineProps) {
  return (
    <Field id={`send-${field}`} label={label} fault={faultAt(composer, field)}>
      {(described) => (
        <input
          {...described}
          placeholder={placeholder}
          autocapitalize="off"
          value={composer.read(field)}
          onInput={(event) => composer.write(field, event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function faultAt(composer: Composer, field: TextField): string | undefined {
  const problem = composer.problem.value;
  return problem !== undefined && fieldOf(problem.path) === field ? problem.detail : undefined;
}
