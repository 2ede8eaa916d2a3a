/** The view of one user: where they are connected, what they hear, and sending them away; and of one audience. */
import { useEffect } from 'preact/hooks';
import { go } from '../address.ts';
import { ProblemNote } from '../operate/problem-note.tsx';
import { Provenance } from '../operate/provenance.tsx';
import { lacks } from '../operate/scopes.ts';
import type { Params } from '../place.ts';
import type { ConsoleSession } from '../session.ts';
import { AccessPart } from './access-part.tsx';
import { AudiencePart } from './audience-part.tsx';
import { DepartmentsPart } from './departments-part.tsx';
import { Lookup } from './lookup.tsx';
import { SessionsList } from './sessions-list.tsx';
import type { Users } from './users.ts';

const UNKNOWN = [
  'Devices that are away are known for 31 days after the user was last here, those without a name for 7; at most 64.',
  'A gateway that died counts for 15 s more. What it could not write while Redis was away is written when it is back.',
  'Places are those at which a connection began. No token is kept: what is in one is not known here.',
];

interface UsersViewProps {
  readonly session: ConsoleSession;
  readonly params: Params;
}

export function UsersView({ session, params }: UsersViewProps) {
  const { users } = session;
  const isOpen = session.entrance.value.status === 'open';
  useEffect(() => {
    if (isOpen) users.show(params);
  }, [isOpen, users, params]);
  return (
    <section class="view" aria-labelledby="title-users">
      <div class="pane-head">
        <h2 id="title-users">Users</h2>
        <p class="quiet">who is connected where, and sending somebody away</p>
      </div>
      <div class="users">
        <UserPart users={users} params={params} mayNot={lacks(session.scopes.value, 'admin:users')} />
        <AudiencePart users={users} params={params} />
      </div>
    </section>
  );
}

interface UserPartProps {
  readonly users: Users;
  readonly params: Params;
  readonly mayNot: boolean;
}

function UserPart({ users, params, mayNot }: UserPartProps) {
  const { user, presence } = users;
  const { user: asked = '' } = params;
  const read = presence.last.value;
  const problem = presence.problem.value;
  const isUnheardOf = problem?.code === 'not_found';
  return (
    <section class="part" aria-labelledby="title-user">
      <h3 id="title-user">User</h3>
      <Lookup
        key={asked}
        id="lookup-user"
        label="User"
        hint="42"
        value={asked}
        onLook={(next) => go('users', { ...params, user: next })}
      />
      {isUnheardOf ? (
        <p class="empty" role="status">
          Nothing is known of <bdi>{user.value}</bdi>: never here, or not within 31 days.
        </p>
      ) : (
        <ProblemNote
          what={
            read === undefined
              ? 'They could not be read.'
              : 'They could not be read again; these are the last.'
          }
          problem={problem}
        />
      )}
      {read !== undefined && !isUnheardOf && <SessionsList presence={read.value} readAtMs={read.atMs} />}
      {user.value !== '' && (
        <>
          <DepartmentsPart key={`departments of ${user.value}`} users={users} mayNot={mayNot} />
          <AccessPart users={users} mayNot={mayNot} />
          {mayNot && (
            <p class="quiet lacking">
              To act needs the scope <code>admin:users</code>, which your token lacks.
            </p>
          )}
          <Work users={users} />
        </>
      )}
      <Provenance
        path="/admin/users/sessions"
        atMs={read?.atMs}
        isReading={presence.isReading.value}
        {...(user.value === '' ? {} : { onRead: () => void users.readUser() })}
        unknown={UNKNOWN}
      />
    </section>
  );
}

function Work({ users }: { readonly users: Users }) {
  const work = users.work.value;
  return (
    <>
      <div role="status" class="work" data-work={work.status}>
        {work.status === 'working' && <p>Under way …</p>}
        {work.status === 'done' && <p class="report">{work.words}</p>}
      </div>
      <ProblemNote
        what={work.status === 'failed' ? work.what : ''}
        problem={work.status === 'failed' ? work.problem : undefined}
      />
    </>
  );
}
