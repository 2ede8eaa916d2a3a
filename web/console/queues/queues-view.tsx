/** The view of the queues: what waits in each, who takes from it, and how long an event waits there. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { ProblemNote } from '../operate/problem-note.tsx';
import { Provenance } from '../operate/provenance.tsx';
import { StateMark } from '../parts/connection.tsx';
import { hashOf } from '../place.ts';
import type { ConsoleSession } from '../session.ts';
import { countOf, duration, moment, type StateInWords } from '../words.ts';
import { type Queue, type QueueState, type Queues, stateOf, type Unknown, whyUnknown } from './queue.ts';
import { QUEUES_PATH } from './queues.ts';

const UNKNOWN = [
  'RabbitMQ’s numbers are up to 2 s old. What a consumer has in hand is not in them.',
  'A lag is measured by canaries: a process that is no gateway, or has CANARY_SECONDS=0, knows none. Ask a gateway.',
  'Who takes from a queue is who is known to have taken from it last; of a stuck one, who had it last.',
  'While RabbitMQ is away nothing is known: what is shown then is what was read last.',
];

export function QueuesView({ session }: { readonly session: ConsoleSession }) {
  const { queues } = session;
  const isOpen = session.entrance.value.status === 'open';
  useEffect(() => (isOpen ? queues.watch() : undefined), [isOpen, queues]);
  const read = queues.reading.last.value;
  return (
    <section class="view" aria-labelledby="title-queues">
      <div class="pane-head">
        <h2 id="title-queues">Queues</h2>
        <p class="quiet">what waits, who takes it, and how long it waits</p>
      </div>
      <ProblemNote
        what={
          read === undefined ? 'They could not be read.' : 'They could not be read again; these are the last.'
        }
        problem={queues.reading.problem.value}
      />
      {read === undefined && queues.reading.isReading.value && <p class="empty">Reading …</p>}
      {read !== undefined && <QueueTable read={read.value} />}
      <Provenance
        path={QUEUES_PATH}
        atMs={read?.atMs}
        isReading={queues.reading.isReading.value}
        onRead={() => void queues.read()}
        unknown={UNKNOWN}
      />
    </section>
  );
}

function QueueTable({ read }: { readonly read: Queues }) {
  const { node, countedAt, at, queues, unknown } = read;
  const nowMs = Date.parse(at);
  return (
    <>
      <p class="queues-answer quiet">
        Answered by node <bdi class="mono">{node}</bdi>
        {countedAt !== undefined && (
          <>
            , counted by RabbitMQ at{' '}
            <time dateTime={countedAt} title={countedAt}>
              {moment(countedAt, nowMs)}
            </time>
          </>
        )}
      </p>
      {unknown.map((one) => (
        <p key={one.code} class="lead">
          <Why unknown={one} />
        </p>
      ))}
      <table class="table queues">
        <caption class="unheard">Queues</caption>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">State</th>
            <th scope="col">Ready</th>
            <th scope="col">Consumers</th>
            <th scope="col">Lag</th>
            <th scope="col">Taken by</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <QueueRow key={queue.name} queue={queue} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
      {queues.length === 0 && <p class="empty">No queue was named.</p>}
    </>
  );
}

function QueueRow({ queue, nowMs }: { readonly queue: Queue; readonly nowMs: number }) {
  const { name, kind, ready, consumers, takenBy, lag } = queue;
  return (
    <tr data-state={stateOf(queue)}>
      <th scope="row">
        {kind === 'dead_letters' ? (
          <a href={hashOf('dead-letters')}>
            <bdi class="mono">{name}</bdi>
          </a>
        ) : (
          <bdi class="mono">{name}</bdi>
        )}
        <span class="queue-kind quiet">{KINDS[kind] ?? kind}</span>
      </th>
      <td data-label="State">
        <StateMark {...STATES[stateOf(queue)]} />
      </td>
      <td data-label="Ready">
        <Cell queue={queue} field="ready" value={ready === undefined ? undefined : countOf(ready)} />
      </td>
      <td data-label="Consumers">
        <Cell
          queue={queue}
          field="consumers"
          value={consumers === undefined ? undefined : countOf(consumers)}
        />
      </td>
      <td data-label="Lag">
        <Cell queue={queue} field="lag" value={lag?.ms === undefined ? undefined : duration(lag.ms)}>
          {lag?.failedLeg !== undefined && <span class="fate bad">stuck at {lag.failedLeg}</span>}
        </Cell>
      </td>
      <td data-label="Taken by">
        <Cell queue={queue} field="takenBy" value={takenBy?.node}>
          {takenBy !== undefined && (
            <time class="quiet" dateTime={takenBy.at} title={takenBy.at}>
              {moment(takenBy.at, nowMs)}
            </time>
          )}
        </Cell>
      </td>
    </tr>
  );
}

interface CellProps {
  readonly queue: Queue;
  readonly field: 'ready' | 'consumers' | 'takenBy' | 'lag';
  /** Undefined: not known, and then it is said why. */
  readonly value: string | undefined;
  readonly children?: ComponentChildren;
}

function Cell({ queue, field, value, children }: CellProps) {
  return (
    <>
      {value !== undefined && <bdi>{value}</bdi>}
      {children}
      {whyUnknown(queue, field).map((one) => (
        <Why key={one.code} unknown={one} />
      ))}
      {value === undefined && whyUnknown(queue, field).length === 0 && <span class="quiet">not known</span>}
    </>
  );
}

/** What does not apply is said with few words; what could be known is told with its reason. */
const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  not_consumed: 'nobody takes from it',
  no_canary: 'no canary passes',
};

function Why({ unknown: { code, detail } }: { readonly unknown: Unknown }) {
  const short = NOT_APPLICABLE[code];
  return (
    <span class="why quiet" title={short === undefined ? undefined : detail}>
      {short ?? (
        <>
          <code>{code}</code> {detail}
        </>
      )}
    </span>
  );
}

const KINDS: Readonly<Record<string, string>> = {
  events: 'events',
  partition: 'partition of the events',
  dead_letters: 'dead letters',
  unreached: 'checks of who was not reached, due',
  unreached_delay: 'checks that wait for their time',
  consumers: 'who shares the partitions; holds no messages',
  source: 'of another service',
};

const STATES: Readonly<Record<QueueState, StateInWords>> = {
  flows: { tone: 'good', text: 'flows' },
  slow: { tone: 'bad', text: 'slow' },
  stuck: { tone: 'bad', text: 'stuck' },
  untaken: { tone: 'bad', text: 'no consumer' },
  rests: { tone: 'off', text: 'at rest' },
  unknown: { tone: 'off', text: 'not known' },
};
