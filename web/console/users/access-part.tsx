/** Sending a user away: with the way back open, or with their tokens refused. */
import { useSignal } from '@preact/signals';
import { Confirm } from '../operate/confirm.tsx';
import { localTime, momentFrom } from '../operate/local-time.ts';
import { plural } from '../words.ts';
import type { Users } from './users.ts';

interface AccessPartProps {
  readonly users: Users;
  readonly mayNot: boolean;
}

type Asked =
  | { readonly what: 'nothing' | 'disconnect' }
  | { readonly what: 'revoke'; readonly notBefore: string };

export function AccessPart({ users, mayNot }: AccessPartProps) {
  const asked = useSignal<Asked>({ what: 'nothing' });
  const isDisabled = mayNot || users.work.value.status === 'working';
  const keep = () => {
    asked.value = { what: 'nothing' };
  };
  return (
    <section class="user-part" aria-labelledby="title-access">
      <h4 id="title-access">Access</h4>
      <div class="button-row">
        <button
          type="button"
          disabled={isDisabled}
          onClick={() => {
            asked.value = { what: 'disconnect' };
          }}
        >
          Disconnect …
        </button>
        <button
          type="button"
          class="danger"
          disabled={isDisabled}
          onClick={() => {
            asked.value = { what: 'revoke', notBefore: new Date().toISOString() };
          }}
        >
          Revoke tokens …
        </button>
      </div>
      {asked.value.what === 'disconnect' && (
        <Confirm
          title={`Disconnect ${users.user.value}?`}
          keep="Leave them"
          act="Disconnect"
          onKeep={keep}
          onAct={() => {
            keep();
            void users.disconnect();
          }}
        >
          <p>{howMany(users)} Clients are told “disconnected”, and may come back at once.</p>
        </Confirm>
      )}
      {asked.value.what === 'revoke' && (
        <Revoke users={users} asked={asked.value} onChange={(next) => (asked.value = next)} onKeep={keep} />
      )}
    </section>
  );
}

interface RevokeProps {
  readonly users: Users;
  readonly asked: Extract<Asked, { what: 'revoke' }>;
  readonly onChange: (asked: Asked) => void;
  readonly onKeep: () => void;
}

function Revoke({ users, asked: { notBefore }, onChange, onKeep }: RevokeProps) {
  return (
    <Confirm
      title={`Revoke the tokens of ${users.user.value}?`}
      keep="Leave them"
      act="Revoke"
      isDisabled={notBefore === ''}
      onKeep={onKeep}
      onAct={() => {
        onKeep();
        void users.revoke(notBefore);
      }}
    >
      <p>
        {howMany(users)} Tokens that were issued before this moment are refused until they expire. There is no
        way back: the user needs a fresh token.
      </p>
      <label for="not-before">
        Issued before
        <input
          id="not-before"
          type="datetime-local"
          step={1}
          required
          value={localTime(notBefore)}
          onInput={(event) => onChange({ what: 'revoke', notBefore: momentFrom(event.currentTarget.value) })}
        />
      </label>
      <p class="quiet">Time of this machine; it must not be ahead of the service by more than a minute.</p>
    </Confirm>
  );
}

function howMany({ presence }: Users): string {
  const read = presence.last.value;
  if (read === undefined) return 'All connections of the user are closed; how many there are is not known.';
  const count = read.value.sessions.length;
  if (count === 0) return 'No connection was there when this page looked.';
  return `${plural(count, 'connection')} ${count === 1 ? 'is' : 'are'} closed.`;
}
