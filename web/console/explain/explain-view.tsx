/** The view that answers "why didn't they get it?". */
import { useEffect } from 'preact/hooks';
import { ProblemNote } from '../operate/problem-note.tsx';
import { Provenance } from '../operate/provenance.tsx';
import { hashOf, type Params } from '../place.ts';
import type { ConsoleSession } from '../session.ts';
import { EXPLAIN_PATH, type Question } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { QuestionForm } from './question-form.tsx';
import { Timeline } from './timeline.tsx';
import { toneOf, verdictTitle } from './verdict.ts';

const UNKNOWN = [
  'How an event was settled is kept for TRAIL_SECONDS, 6 hours unless it is set. Later an event is found only while an inbox of the user holds it.',
  'Devices are known for 31 days after the user was last here, those without a name for 7.',
  'A device’s time is when its connection began or ended; when it was sent the notification nobody notes.',
  'That a device was sent something does not say that somebody looked at it. The times of different machines may differ by a little.',
];

interface ExplainViewProps {
  readonly session: ConsoleSession;
  readonly params: Params;
}

export function ExplainView({ session, params }: ExplainViewProps) {
  const { explain } = session;
  const { answer, question } = explain;
  const isOpen = session.entrance.value.status === 'open';
  useEffect(() => {
    if (isOpen) explain.show(params);
  }, [isOpen, explain, params]);
  const read = answer.last.value;
  const problem = answer.problem.value;
  const isAmbiguous = problem?.code === 'ambiguous';
  return (
    <section class="view" aria-labelledby="title-explain">
      <div class="pane-head">
        <h2 id="title-explain">Explain</h2>
        <p class="quiet">why a user has a notification, or has not</p>
      </div>
      <QuestionForm key={JSON.stringify(params)} params={params} />
      <div role="status">{answer.isReading.value && <p class="quiet">Looking …</p>}</div>
      {isAmbiguous ? (
        <Sources question={question.value} sources={problem.sources} />
      ) : (
        <ProblemNote what="It could not be explained." problem={problem} />
      )}
      {read !== undefined && <Verdict explanation={read.value} readAtMs={read.atMs} />}
      <Provenance
        path={EXPLAIN_PATH}
        atMs={read?.atMs}
        isReading={answer.isReading.value}
        {...(read === undefined ? {} : { onRead: () => void explain.ask() })}
        unknown={UNKNOWN}
      />
    </section>
  );
}

interface SourcesProps {
  readonly question: Question;
  readonly sources: readonly string[];
}

function Sources({ question, sources }: SourcesProps) {
  return (
    <div class="problem" role="alert">
      <p>
        <b>Events of several sources have this id.</b> Which one is meant?
      </p>
      <ul class="button-row">
        {sources.map((source) => (
          <li key={source}>
            <a class="chip" href={hashOf('explain', { ...question, source })}>
              <bdi>{source}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Verdict({
  explanation,
  readAtMs,
}: {
  readonly explanation: Explanation;
  readonly readAtMs: number;
}) {
  const { event, source, user, verdict, message, title, steps } = explanation;
  return (
    <>
      <div class="verdict" role="status" data-tone={toneOf(verdict)}>
        <h3>
          <span class="verdict-mark" aria-hidden="true" />
          {verdictTitle(verdict)} <code class="quiet">{verdict}</code>
        </h3>
        <p>{message}</p>
        {title !== undefined && (
          <p class="quiet">
            A bell shows <bdi lang={title.language}>“{title.text}”</bdi>
          </p>
        )}
      </div>
      <p class="verdict-links quiet">
        <span>
          <bdi>{source ?? 'source unknown'}</bdi> <bdi class="mono">{event}</bdi>
        </span>
        <a href={hashOf('users', { user })}>
          User <bdi>{user}</bdi>
        </a>
        {verdict === 'dead_letter' && (
          <a href={hashOf('dead-letters', { source: source ?? '' })}>Dead letters of this source</a>
        )}
        {verdict === 'waiting' && <a href={hashOf('queues')}>Queues</a>}
      </p>
      {steps.length === 0 ? (
        <p class="empty">No step is known.</p>
      ) : (
        <Timeline steps={steps} nowMs={readAtMs} />
      )}
    </>
  );
}
