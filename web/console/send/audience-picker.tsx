/** Whom the event is for: those chosen as chips that can be removed, a line for more, and who is there to be chosen. */
import type { Devices } from '../devices/devices.ts';
import { AudienceName, EVERYBODY } from '../parts/audience-name.tsx';
import { Icon } from '../parts/icons.tsx';
import type { AudienceKind, Composer } from './composer.ts';
import { audienceIndexOf, fieldOf } from './event-fields.ts';

const KINDS: readonly { readonly kind: AudienceKind; readonly title: string; readonly example: string }[] = [
  { kind: 'user', title: 'User', example: 'ada' },
  { kind: 'department', title: 'Department', example: 'sales' },
  { kind: 'topic', title: 'Topic', example: 'ticker.btc-usd' },
];

interface AudiencePickerProps {
  readonly composer: Composer;
  readonly devices: Devices;
}

export function AudiencePicker({ composer, devices }: AudiencePickerProps) {
  const problem = composer.problem.value;
  const isWrong = fieldOf(problem?.path) === 'audience';
  const wrongIndex = audienceIndexOf(problem?.path);
  const chosen = composer.audiences.value;
  const example = KINDS.find(({ kind }) => kind === composer.kind.value)?.example;
  return (
    <fieldset class="field audience" aria-describedby="send-audience-fault">
      <legend>To</legend>
      <ul class="chosen" aria-label="Audiences">
        {chosen.map((audience, index) => (
          <li key={audience} class="chip" data-wrong={isWrong && (wrongIndex ?? index) === index}>
            <AudienceName audience={audience} />
            <button type="button" aria-label={`Remove ${audience}`} onClick={() => composer.remove(index)}>
              <Icon name="close" size={14} />
            </button>
          </li>
        ))}
        {chosen.length === 0 && <li class="quiet">nobody named: the routes decide</li>}
      </ul>
      <div class="segments wide" role="radiogroup" aria-label="Kind of audience">
        {KINDS.map(({ kind, title }) => (
          <label key={kind}>
            <input
              type="radio"
              name="kind"
              checked={composer.kind.value === kind}
              onChange={() => (composer.kind.value = kind)}
            />
            <span>{title}</span>
          </label>
        ))}
        <button
          type="button"
          aria-pressed={chosen.includes(EVERYBODY)}
          onClick={() => toggleEverybody(composer, chosen)}
        >
          Everybody
        </button>
      </div>
      <div class="adder">
        <input
          aria-label={`Id of the ${composer.kind.value}`}
          aria-invalid={isWrong}
          aria-describedby="send-audience-fault"
          placeholder={example}
          autocapitalize="off"
          spellcheck={false}
          value={composer.typed.value}
          onInput={(event) => (composer.typed.value = event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || composer.typed.value === '')
              return;
            event.preventDefault();
            composer.addTyped();
          }}
        />
        <button type="button" onClick={() => composer.addTyped()}>
          Add
        </button>
      </div>
      <p class="fault" id="send-audience-fault">
        {isWrong && problem?.detail}
      </p>
      <Suggestions composer={composer} devices={devices} />
    </fieldset>
  );
}

/** Whoever is among the devices, of the kind that is being typed. */
function Suggestions({ composer, devices }: AudiencePickerProps) {
  const chosen = composer.audiences.value;
  const known = devices.all.value.flatMap(({ identity, topics }) => {
    const { user, departments } = identity.value;
    return {
      user: [user],
      department: [...departments],
      topic: topics.value.map(({ topic }) => topic),
    }[composer.kind.value];
  });
  const open = [...new Set(known)]
    .map((id) => `${composer.kind.value}:${id}`)
    .filter((one) => !chosen.includes(one));
  if (open.length === 0) return null;
  return (
    <fieldset class="suggestions" aria-label="Among the devices here">
      {open.slice(0, 8).map((audience) => (
        <button key={audience} type="button" class="chip small" onClick={() => composer.add(audience)}>
          <Icon name="plus" size={12} />
          <AudienceName audience={audience} />
        </button>
      ))}
    </fieldset>
  );
}

function toggleEverybody(composer: Composer, chosen: readonly string[]): void {
  const index = chosen.indexOf(EVERYBODY);
  if (index === -1) composer.add(EVERYBODY);
  else composer.remove(index);
}
