/** The view of the dead letters that lie in the queue, whoever was there when they came. */
import { useEffect } from 'preact/hooks';
import { ProblemNote } from '../operate/problem-note.tsx';
import { Provenance } from '../operate/provenance.tsx';
import type { Params } from '../place.ts';
import type { ConsoleSession } from '../session.ts';
import { countOf } from '../words.ts';
import { DEAD_LETTERS_PATH } from './actions.ts';
import type { DeadLetterPage } from './dead-letter.ts';
import { filterOf } from './filter.ts';
import { Filters } from './filters.tsx';
import { LetterDetail } from './letter-detail.tsx';
import { LetterList } from './letter-list.tsx';
import { Toolbar } from './toolbar.tsx';

const UNKNOWN = [
  'A list is as it was when it was read. Reading it again holds the queue for a moment, so it is not done by itself.',
  'One look takes 5,000 dead letters, or 64 MB of them; then “or more” stands beside the number.',
  'While somebody else has them in hand they cannot be read (dead_letters_busy). While RabbitMQ is away nothing can.',
  'Bodies are without what LOG_REDACT names.',
];

interface DeadLettersViewProps {
  readonly session: ConsoleSession;
  readonly params: Params;
}

export function DeadLettersView({ session, params }: DeadLettersViewProps) {
  const { deadLetters, live } = session;
  const { page, shownId } = deadLetters;
  const filter = filterOf(params);
  const isOpen = session.entrance.value.status === 'open';
  useEffect(() => {
    if (isOpen) deadLetters.show(params);
  }, [isOpen, deadLetters, params]);
  const read = page.last.value;
  return (
    <section
      class="view dead-letters-view"
      aria-labelledby="title-dead-letters"
      data-detail={shownId.value !== ''}
    >
      <div class="pane-head">
        <h2 id="title-dead-letters">Dead letters</h2>
        <p class="quiet">{read !== undefined && totalInWords(read.value)}</p>
        <p class="quiet">{inQueue(live.deadCount.value)}</p>
      </div>
      <Filters key={JSON.stringify(filter)} filter={filter} />
      <Toolbar deadLetters={deadLetters} scopes={session.scopes.value} />
      <ProblemNote
        what={
          read === undefined ? 'They could not be read.' : 'They could not be read again; these are the last.'
        }
        problem={page.problem.value}
      />
      <div class="letters-and-one">
        <div class="letters-column">
          {read === undefined && page.isReading.value && <p class="empty">Reading …</p>}
          <LetterList deadLetters={deadLetters} />
        </div>
        {shownId.value !== '' && <LetterDetail deadLetters={deadLetters} />}
      </div>
      <Provenance
        path={DEAD_LETTERS_PATH}
        atMs={read?.atMs}
        isReading={page.isReading.value}
        onRead={() => void deadLetters.read()}
        unknown={UNKNOWN}
      />
    </section>
  );
}

function totalInWords({ matched, scanned, isPartial }: DeadLetterPage): string {
  if (matched === undefined) return 'how many match is not told';
  const more = isPartial ? ' or more' : '';
  const of = scanned === undefined || scanned === matched ? '' : ` of ${countOf(scanned)} looked at`;
  return `${countOf(matched)}${more} ${matched === 1 ? 'matches' : 'match'}${of}`;
}

/** As the queue counts now, whatever was read. Copies count there, and once in the list. */
function inQueue(count: number | undefined): string {
  return count === undefined
    ? 'how many lie in the queue now is not known'
    : `${countOf(count)} in the queue now`;
}
