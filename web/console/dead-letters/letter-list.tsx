/** The dead letters, oldest first, each with a box to select it and the way to all that is known of it. */
import { nowMs } from '../clock.ts';
import { countOf, moment, plural } from '../words.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { DeadLetters } from './dead-letters.ts';

export function LetterList({ deadLetters }: { readonly deadLetters: DeadLetters }) {
  const listed = deadLetters.listed.value;
  const read = deadLetters.page.last.value;
  if (read === undefined) return null;
  const { matched, isPartial } = read.value;
  const more = matched === undefined ? undefined : matched - listed.length;
  // Of the time it was read: the list does not change by itself.
  const todayMs = Math.floor(nowMs.value / 60_000) * 60_000;
  return (
    <>
      <ol class="letters" aria-label="Dead letters, oldest first">
        {listed.map((letter) => (
          <LetterRow key={letter.id} letter={letter} deadLetters={deadLetters} todayMs={todayMs} />
        ))}
      </ol>
      {listed.length === 0 && (
        <p class="empty">
          {isPartial
            ? 'None among those that were looked at. There are more than one look takes.'
            : 'None matches. What cannot be delivered is kept in the queue, with the reason.'}
        </p>
      )}
      {more !== undefined && more > 0 && (
        <p class="letters-more">
          {deadLetters.canReadMore ? (
            <button type="button" onClick={() => deadLetters.readMore()}>
              Show more
            </button>
          ) : (
            <a href={deadLetters.addressAfterListed()}>Go on from the last one</a>
          )}
          <span class="quiet">
            {countOf(more)} more {more === 1 ? 'matches' : 'match'}
          </span>
        </p>
      )}
    </>
  );
}

interface LetterRowProps {
  readonly letter: DeadLetter;
  readonly deadLetters: DeadLetters;
  readonly todayMs: number;
}

function LetterRow({ letter, deadLetters, todayMs }: LetterRowProps) {
  const { id, reason, detail, time, type, source, event, copies } = letter;
  const isShown = deadLetters.shownId.value === id;
  return (
    <li class="letter-row" data-shown={isShown}>
      <input
        type="checkbox"
        aria-label={`Select ${type}, ${event ?? 'no event id'}, ${reason}`}
        checked={deadLetters.selected.value.has(id)}
        onChange={() => deadLetters.toggle(id)}
      />
      <div class="letter-what">
        <a class="letter-type" href={deadLetters.addressOf(id)} aria-current={isShown ? 'true' : undefined}>
          <bdi>{type === '' ? 'no event' : type}</bdi>
        </a>
        <code class="dead-reason">{reason}</code>
        {copies > 1 && <span class="new">{plural(copies, 'copy', 'copies')}</span>}
      </div>
      <time dateTime={time} title={time}>
        {time === undefined ? 'time unknown' : moment(time, todayMs)}
      </time>
      <p class="letter-why">
        <bdi>{detail}</bdi>
      </p>
      <p class="letter-event quiet">
        {source === undefined && event === undefined ? (
          'source and id cannot be read'
        ) : (
          <>
            <bdi>{source ?? 'source unknown'}</bdi> <bdi class="mono">{event ?? 'id unknown'}</bdi>
          </>
        )}
      </p>
    </li>
  );
}
