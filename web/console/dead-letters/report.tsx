/** What became of the last order, or would: in numbers, and for each dead letter as far as the answer names it. */
import type { ComponentChildren } from 'preact';
import { AudienceName } from '../parts/audience-name.tsx';
import { countOf, plural } from '../words.ts';
import type { Outcome } from './actions.ts';
import type { DeadLetter, Forecast, Redriven } from './dead-letter.ts';
import { type Fate, fatesOf } from './fates.ts';

export function Report({ outcome }: { readonly outcome: Outcome }) {
  if (outcome.kind === 'discard') {
    const { discarded, letters } = outcome;
    const discardedFate = () => <b class="fate">discarded</b>;
    return (
      <>
        <p>
          <b>{plural(discarded, 'dead letter')} discarded for good.</b>
        </p>
        <Each letters={letters} fate={discardedFate} />
      </>
    );
  }
  const { result, target } = outcome;
  const fates = fatesOf(target.letters?.map(({ id }) => id) ?? [], result);
  return (
    <>
      <p>
        <b>{summaryOf(result)}</b>
      </p>
      {result.forecast !== undefined && <Whom forecast={result.forecast} />}
      <Refusals result={result} />
      {result.left > 0 && (
        <p>
          {countOf(result.left)} more could be sent and {result.isDryRun ? 'take' : 'were left:'}{' '}
          {result.isDryRun ? 'further requests.' : 'they are still in the list, redrive them again.'}
        </p>
      )}
      {result.isPartial && <p>There are more dead letters than one request looks at.</p>}
      {target.letters !== undefined && (
        <Each
          letters={target.letters}
          fate={({ id }) => <FateWords fate={fates.get(id)} isDryRun={result.isDryRun} />}
        />
      )}
    </>
  );
}

function summaryOf({ isDryRun, sent, matched }: Redriven): string {
  const events = plural(sent, 'event');
  if (isDryRun) return `Dry run of ${countOf(matched)}: ${events} would be sent again. Nothing was changed.`;
  return `${events} sent again.`;
}

function Whom({ forecast }: { readonly forecast: Forecast }) {
  const { deliveries, already, unasked, unrouted, audiences, audienceCount } = forecast;
  const more = audienceCount - audiences.length;
  return (
    <>
      <p>
        {plural(deliveries, 'notification')} to {plural(audienceCount, 'audience')}; {countOf(already)} of
        them {already === 1 ? 'is' : 'are'} there already and not repeated.
      </p>
      {unasked > 0 && <p>Of {plural(unasked, 'notification')} it was not asked whether they are there.</p>}
      {unrouted > 0 && (
        <p>
          Whom {plural(unrouted, 'event')} would reach is not known: this process has no routes. Ask a
          consumer.
        </p>
      )}
      {audiences.length > 0 && (
        <ul class="whom">
          {audiences.slice(0, 20).map(({ audience, events }) => (
            <li key={audience}>
              <AudienceName audience={audience} /> <span class="quiet">{plural(events, 'event')}</span>
            </li>
          ))}
          {more + Math.max(0, audiences.length - 20) > 0 && (
            <li class="quiet">and {countOf(more + Math.max(0, audiences.length - 20))} more</li>
          )}
        </ul>
      )}
    </>
  );
}

function Refusals({ result }: { readonly result: Redriven }) {
  return (
    <>
      {result.refused.map(({ code, count }) => (
        <p key={code}>
          {countOf(count)} {count === 1 ? 'stays' : 'stay'}, because {count === 1 ? 'it' : 'they'} would be
          refused again: <code class="dead-reason">{code}</code>. Fix the cause first.
        </p>
      ))}
    </>
  );
}

function FateWords({ fate, isDryRun }: { readonly fate: Fate | undefined; readonly isDryRun: boolean }) {
  if (fate?.status === 'sent')
    return <b class="fate good">{isDryRun ? 'would be sent again' : 'sent again'}</b>;
  if (fate?.status === 'refused')
    return (
      <b class="fate bad">
        {isDryRun ? 'would stay' : 'stays'}: <code>{fate.code}</code>
      </b>
    );
  return <span class="fate quiet">not told one by one</span>;
}

/** More are folded away. */
const MAX_OPEN = 10;

interface EachProps {
  readonly letters: readonly DeadLetter[];
  readonly fate: (letter: DeadLetter) => ComponentChildren;
}

function Each({ letters, fate }: EachProps) {
  return (
    <details class="each" open={letters.length <= MAX_OPEN}>
      <summary>Each of them</summary>
      <ul class="fates" aria-label="What became of each">
        {letters.map((letter) => (
          <li key={letter.id}>
            <span>
              <bdi>{letter.type}</bdi> <bdi class="quiet mono">{letter.event ?? letter.id}</bdi>
            </span>
            {fate(letter)}
          </li>
        ))}
      </ul>
    </details>
  );
}
