/** The departments that count for a user: those of the token, or those that an operator gave in their place. */
import { useSignal } from '@preact/signals';
import { ProblemNote } from '../operate/problem-note.tsx';
import type { UserPresence } from './presence.ts';
import type { Users } from './users.ts';

interface DepartmentsPartProps {
  readonly users: Users;
  readonly mayNot: boolean;
}

const KIND = 'department:';

export function DepartmentsPart({ users, mayNot }: DepartmentsPartProps) {
  const { departments, presence, work } = users;
  const read = departments.last.value;
  const given = read?.value;
  const typed = useSignal<string | undefined>(undefined);
  const text = typed.value ?? (given ?? heardIn(presence.last.value?.value)).join(', ');
  const isDisabled = mayNot || work.value.status === 'working';
  const wanted = text.split(',').flatMap((id) => (id.trim() === '' ? [] : id.trim()));
  const done = () => {
    typed.value = undefined;
  };
  return (
    <section class="user-part" aria-labelledby="title-departments">
      <h4 id="title-departments">Departments</h4>
      <ProblemNote what="They could not be read." problem={departments.problem.value} />
      {read !== undefined && (
        <p>
          {given === undefined ? (
            <>
              <b>Not given.</b> What each token says counts. <Heard presence={presence.last.value?.value} />
            </>
          ) : (
            <>
              <b>Given by an operator:</b>{' '}
              {given.length === 0 ? 'none, whatever the token says' : <bdi>{given.join(', ')}</bdi>}
            </>
          )}
        </p>
      )}
      <form
        class="filters lookup"
        autocomplete="off"
        aria-label="Give departments"
        onSubmit={(event) => {
          event.preventDefault();
          void users.giveDepartments(wanted).then(done);
        }}
      >
        <label for="user-departments">
          Give, with commas; nothing means no department
          <input
            id="user-departments"
            placeholder="sales, north"
            autocapitalize="off"
            spellcheck={false}
            dir="auto"
            disabled={isDisabled}
            value={text}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
          />
        </label>
        <div class="button-row">
          <button type="submit" disabled={isDisabled}>
            Give
          </button>
          <button
            type="button"
            disabled={isDisabled || given === undefined}
            onClick={() => void users.takeDepartmentsBack().then(done)}
          >
            Take back
          </button>
        </div>
      </form>
    </section>
  );
}

/** No token is kept. What the connections hear is all that is known of them. */
function Heard({ presence }: { readonly presence: UserPresence | undefined }) {
  if (presence === undefined || presence.sessions.length === 0)
    return <span class="quiet">Which those are is not known while nobody is connected.</span>;
  const heard = heardIn(presence);
  return (
    <span class="quiet">
      {heard.length === 0 ? 'The connections hear no department.' : 'The connections hear '}
      {heard.length > 0 && <bdi>{heard.join(', ')}</bdi>}
    </span>
  );
}

function heardIn(presence: UserPresence | undefined): readonly string[] {
  const heard = presence?.sessions.flatMap(({ places }) => places.map(({ audience }) => audience)) ?? [];
  return [...new Set(heard.filter((one) => one.startsWith(KIND)))].map((one) => one.slice(KIND.length));
}
