/** Who of an audience is connected, and where its log ends. */
import { go } from '../address.ts';
import { ProblemNote } from '../operate/problem-note.tsx';
import { Provenance } from '../operate/provenance.tsx';
import type { Params } from '../place.ts';
import { countOf } from '../words.ts';
import { Lookup } from './lookup.tsx';
import type { AudiencePresence } from './presence.ts';
import type { Users } from './users.ts';

const UNKNOWN = [
  'What a node says of its rooms is up to 5 s old. A node that was silent for 15 s does not count.',
  'Who is connected to two nodes counts as a user of each. Who belongs to the audience and is away is not counted.',
];

interface AudiencePartProps {
  readonly users: Users;
  readonly params: Params;
}

export function AudiencePart({ users, params }: AudiencePartProps) {
  const { audience, audiencePresence } = users;
  const { audience: asked = '' } = params;
  const read = audiencePresence.last.value;
  const problem = audiencePresence.problem.value;
  const isUnheardOf = problem?.code === 'not_found';
  return (
    <section class="part" aria-labelledby="title-audience">
      <h3 id="title-audience">Audience</h3>
      <Lookup
        key={asked}
        id="lookup-audience"
        label="Audience"
        hint="department:sales"
        value={asked}
        onLook={(next) => go('users', { ...params, audience: next })}
      />
      {isUnheardOf ? (
        <p class="empty" role="status">
          Nobody of <bdi>{audience.value}</bdi> is connected, and nothing was ever sent to it.
        </p>
      ) : (
        <ProblemNote what="It could not be read." problem={problem} />
      )}
      {read !== undefined && !isUnheardOf && <Numbers presence={read.value} />}
      <Provenance
        path="/admin/audiences"
        atMs={read?.atMs}
        isReading={audiencePresence.isReading.value}
        {...(audience.value === '' ? {} : { onRead: () => void users.readAudience() })}
        unknown={UNKNOWN}
      />
    </section>
  );
}

function Numbers({ presence }: { readonly presence: AudiencePresence }) {
  const { users, sessions, nodes, head, length } = presence;
  const shown = (count: number | undefined) => (count === undefined ? 'not known' : countOf(count));
  return (
    <>
      <dl class="figures">
        <div>
          <dt>Users connected</dt>
          <dd>{shown(users)}</dd>
        </div>
        <div>
          <dt>Sessions</dt>
          <dd>{shown(sessions)}</dd>
        </div>
        <div>
          <dt>Log ends at</dt>
          <dd>{head.offset === undefined ? 'not known' : `#${head.offset}`}</dd>
        </div>
        <div>
          <dt>In the log</dt>
          <dd>{shown(length)}</dd>
        </div>
      </dl>
      {nodes.length > 0 && (
        <table class="table">
          <caption>Nodes that host it</caption>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Users</th>
              <th scope="col">Sessions</th>
            </tr>
          </thead>
          <tbody>
            {nodes.map(({ node, users, sessions }) => (
              <tr key={node}>
                <th scope="row">
                  <bdi class="mono">{node}</bdi>
                </th>
                <td>{shown(users)}</td>
                <td>{shown(sessions)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
