/** Who a device is: the user and their departments, and a token where the service cannot make one. */
import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Field } from '../parts/field.tsx';
import type { Problem } from '../problem.ts';
import type { Identity } from './device.ts';

interface IdentityFormProps {
  readonly identity: Identity;
  readonly canSign: boolean;
  readonly submit: string;
  readonly problem: Problem | undefined;
  readonly onSubmit: (identity: Identity) => void;
  readonly onCancel: () => void;
  readonly onRemove?: () => void;
}

/** What a form can see by itself; the service knows the rest, and its answer is shown. */
const ID = /^[^,{}\p{Cc}]{1,128}$/u;
const ID_IN_WORDS = '1 to 128 characters, without commas and braces';

export function IdentityForm({ identity, canSign, submit, problem, ...on }: IdentityFormProps) {
  const formId = useId();
  const user = useSignal(identity.user);
  const departments = useSignal(identity.departments.join(', '));
  const token = useSignal(identity.token);
  const wasTried = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.select(), []);

  const ids = departments.value
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');
  const wrongId = ids.find((id) => !ID.test(id));
  const isUserWrong = !ID.test(user.value.trim());
  const isTokenMissing = !canSign && token.value.trim() === '';
  const onSubmit = (event: Event) => {
    event.preventDefault();
    wasTried.value = true;
    if (isUserWrong || wrongId !== undefined || isTokenMissing) return;
    on.onSubmit({ user: user.value.trim(), departments: ids, token: token.value.trim() });
  };
  return (
    <form class="identity" onSubmit={onSubmit} noValidate autocomplete="off">
      <div class="pair">
        <Field
          id={`${formId}-user`}
          label="User"
          fault={wasTried.value && isUserWrong ? `A user is ${ID_IN_WORDS}.` : problem?.detail}
        >
          {(described) => (
            <input
              {...described}
              ref={first}
              autocapitalize="off"
              spellcheck={false}
              value={user.value}
              onInput={(event) => (user.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <Field
          id={`${formId}-departments`}
          label="Departments"
          fault={
            wasTried.value && wrongId !== undefined
              ? `${wrongId}: a department is ${ID_IN_WORDS}.`
              : undefined
          }
        >
          {(described) => (
            <input
              {...described}
              placeholder="none; several with commas"
              autocapitalize="off"
              spellcheck={false}
              value={departments.value}
              onInput={(event) => (departments.value = event.currentTarget.value)}
            />
          )}
        </Field>
      </div>
      {!canSign && (
        <Field
          id={`${formId}-token`}
          label="Token"
          fault={wasTried.value && isTokenMissing ? 'This service cannot make tokens: paste one.' : undefined}
          hint="The token says who the device is: its user and departments count."
        >
          {(described) => (
            <textarea
              {...described}
              class="mono"
              rows={3}
              spellcheck={false}
              value={token.value}
              onInput={(event) => (token.value = event.currentTarget.value)}
            />
          )}
        </Field>
      )}
      <div class="button-row">
        <button type="submit" class="primary small">
          {submit}
        </button>
        <button type="button" class="plain" onClick={on.onCancel}>
          Cancel
        </button>
        {on.onRemove !== undefined && (
          <button type="button" class="plain danger" onClick={on.onRemove}>
            Remove this device
          </button>
        )}
      </div>
    </form>
  );
}
