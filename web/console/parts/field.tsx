/** A labelled field that says at its own place what is wrong with it. */
import type { ComponentChildren } from 'preact';

interface Described {
  readonly id: string;
  readonly 'aria-invalid': boolean;
  readonly 'aria-describedby': string;
}

interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly fault: string | undefined;
  /** Draws the control. It MUST be given what it gets, so that labels and faults belong to it. */
  readonly children: (described: Described) => ComponentChildren;
}

export function Field({ id, label, hint, fault, children }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-invalid': fault !== undefined, 'aria-describedby': `${id}-fault` })}
      <p class="fault" id={`${id}-fault`}>
        {fault}
      </p>
      {hint !== undefined && <div class="hint">{hint}</div>}
    </div>
  );
}
