/** All that is known of one dead letter. */
import { useEffect, useRef } from 'preact/hooks';
import { nowMs } from '../clock.ts';
import { ProblemNote } from '../operate/problem-note.tsx';
import { Icon } from '../parts/icons.tsx';
import { hashOf } from '../place.ts';
import { bytes, moment, plural } from '../words.ts';
import { type DeadLetter, userIn } from './dead-letter.ts';
import type { DeadLetters } from './dead-letters.ts';

export function LetterDetail({ deadLetters }: { readonly deadLetters: DeadLetters }) {
  const { shown, shownId } = deadLetters;
  const heading = useRef<HTMLHeadingElement>(null);
  const letter = shown.last.value?.value;
  // It was chosen in the list: whoever reads with a screen reader or works by keyboard goes on here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another one is another heading to go to.
  useEffect(() => heading.current?.focus(), [shownId.value]);
  return (
    <aside class="letter" aria-labelledby="title-letter">
      <div class="letter-head">
        <h3 id="title-letter" ref={heading} tabIndex={-1}>
          <bdi>{letter?.type ?? 'Dead letter'}</bdi>
        </h3>
        <a class="icon-link" href={deadLetters.addressOf()} aria-label="Close and go back to the list">
          <Icon name="close" size={18} />
        </a>
      </div>
      {shown.isReading.value && <p class="quiet">Reading …</p>}
      <ProblemNote what="It could not be read." problem={shown.problem.value} />
      {letter !== undefined && <Facts letter={letter} />}
    </aside>
  );
}

function Facts({ letter }: { readonly letter: DeadLetter }) {
  const { id, reason, detail, path, time, source, event, copies, headers, body, isCut } = letter;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Detail', detail],
    ['Where in the event', path],
    ['Source', source ?? 'cannot be read'],
    ['Event id', event ?? 'cannot be read'],
    ['Copies', copies > 1 ? plural(copies, 'copy', 'copies') : undefined],
    ['Dead letter id', id],
    ...headers,
  ];
  return (
    <>
      <dl class="facts">
        <dt>Reason</dt>
        <dd>
          <code class="dead-reason">{reason}</code>
        </dd>
        <dt>Since</dt>
        <dd>
          {time === undefined ? (
            'nobody has noted when'
          ) : (
            <time dateTime={time} title={time}>
              {moment(time, nowMs.peek())}
            </time>
          )}
        </dd>
        {rows.map(
          ([name, value]) =>
            value !== undefined && [
              <dt key={name}>{headerInWords(name)}</dt>,
              <dd key={`${name} value`}>
                <bdi>{value}</bdi>
              </dd>,
            ],
        )}
      </dl>
      {event !== undefined && (
        <p>
          <a href={hashOf('explain', { event, source: source ?? '', user: userIn(body ?? '') ?? '' })}>
            Explain this event
          </a>
        </p>
      )}
      <h4>
        Body{letter.bytes !== undefined && <span class="quiet"> {bytes(letter.bytes)} as it came</span>}
      </h4>
      {body === undefined ? (
        <p class="empty">
          Not shown: it is no JSON object, so that nobody can tell what in it must not be seen.
        </p>
      ) : (
        <textarea class="body mono" dir="auto" readOnly rows={12} aria-label="Body" value={pretty(body)} />
      )}
      {isCut && <p class="quiet">The body is longer than what is shown of it.</p>}
    </>
  );
}

const HEADERS: Readonly<Record<string, string>> = {
  routingKey: 'Routing key',
  exchange: 'Exchange',
  queue: 'Queue',
  contentType: 'Content type',
  contentEncoding: 'Content encoding',
  dropped: 'Headers left out',
  deaths: 'Given up by RabbitMQ',
};

function headerInWords(name: string): string {
  return HEADERS[name] ?? name;
}

/** What was cut is no JSON any more, and stays as it is. */
function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}
