/** What is selected, and what can be done with it: tried, sent again, thrown away after a question. */
import { Confirm } from '../operate/confirm.tsx';
import { ProblemNote } from '../operate/problem-note.tsx';
import { lacks } from '../operate/scopes.ts';
import { Icon } from '../parts/icons.tsx';
import { countOf, plural } from '../words.ts';
import type { Target } from './actions.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Report } from './report.tsx';

interface ToolbarProps {
  readonly deadLetters: DeadLetters;
  readonly scopes: readonly string[] | undefined;
}

export function Toolbar({ deadLetters, scopes }: ToolbarProps) {
  const { actions, target } = deadLetters;
  const mayNot = lacks(scopes, 'admin:dead-letters');
  const isWorking = actions.work.value.status === 'working';
  const isDisabled = mayNot || isWorking || target.value === undefined;
  const act = (run: (chosen: Target) => Promise<void>) => () => {
    if (target.value !== undefined) void run(target.value);
  };
  return (
    <>
      <fieldset class="toolbar" aria-label="Selected dead letters">
        <Selection deadLetters={deadLetters} />
        <div class="button-row">
          <button type="button" disabled={isDisabled} onClick={act((chosen) => actions.dryRun(chosen))}>
            Dry run
          </button>
          <button type="button" disabled={isDisabled} onClick={act((chosen) => actions.redrive(chosen))}>
            Redrive
          </button>
          <button
            type="button"
            class="danger"
            disabled={isDisabled}
            onClick={act((chosen) => actions.askToDiscard(chosen))}
          >
            Discard …
          </button>
        </div>
        {mayNot && (
          <p class="quiet lacking">
            To act needs the scope <code>admin:dead-letters</code>, which your token lacks.
          </p>
        )}
      </fieldset>
      <Work deadLetters={deadLetters} />
      <Question deadLetters={deadLetters} />
    </>
  );
}

function Selection({ deadLetters }: { readonly deadLetters: DeadLetters }) {
  const listed = deadLetters.listed.value;
  const selected = deadLetters.selected.value.size;
  const { matched, isPartial = false } = deadLetters.page.last.value?.value ?? {};
  const isAll = deadLetters.isAllMatching.value;
  const areAllListed = selected > 0 && selected === listed.length;
  return (
    <div class="selection">
      <label class="tick">
        <input
          type="checkbox"
          checked={areAllListed}
          disabled={listed.length === 0}
          onChange={() => (areAllListed ? deadLetters.selectNone() : deadLetters.selectListed())}
        />
        All shown
      </label>
      <span role="status" class="quiet">
        {isAll
          ? `All ${countOf(matched ?? 0)}${isPartial ? ' or more' : ''} that match selected`
          : selected > 0 && `${countOf(selected)} selected`}
      </span>
      {areAllListed && !isAll && matched !== undefined && (matched > selected || isPartial) && (
        <button type="button" class="plain" onClick={() => deadLetters.selectMatching()}>
          Select all {countOf(matched)}
          {isPartial ? ' or more' : ''} that match
        </button>
      )}
    </div>
  );
}

function Work({ deadLetters: { actions } }: Pick<ToolbarProps, 'deadLetters'>) {
  const work = actions.work.value;
  return (
    <>
      <div role="status" class="work" data-work={work.status}>
        {work.status === 'working' && <p>{work.words}</p>}
        {work.status === 'done' && (
          <div class="report">
            <Report outcome={work.outcome} />
            <button
              type="button"
              class="icon-button small"
              aria-label="Dismiss what became of it"
              onClick={() => actions.dismiss()}
            >
              <Icon name="close" size={14} />
            </button>
          </div>
        )}
      </div>
      <ProblemNote
        what={work.status === 'failed' ? work.what : ''}
        problem={work.status === 'failed' ? work.problem : undefined}
      />
    </>
  );
}

function Question({ deadLetters: { actions } }: Pick<ToolbarProps, 'deadLetters'>) {
  const question = actions.question.value;
  if (question === undefined) return null;
  const { letters, staying } = question;
  const events = plural(letters.length, 'dead letter');
  return (
    <Confirm
      title={`Discard ${events} for good?`}
      keep={letters.length === 1 ? 'Keep it' : 'Keep them'}
      act={`Discard ${events}`}
      isDisabled={letters.length === 0}
      onKeep={() => actions.keep()}
      onAct={() => void actions.discard(question)}
    >
      <p>Their events will never be delivered, and nothing of them is kept. This cannot be undone.</p>
      <ul class="fates">
        {letters.slice(0, 5).map(({ id, type, event, reason }) => (
          <li key={id}>
            <span>
              <bdi>{type}</bdi> <bdi class="quiet mono">{event ?? id}</bdi>
            </span>
            <code class="dead-reason">{reason}</code>
          </li>
        ))}
        {letters.length > 5 && <li class="quiet">and {countOf(letters.length - 5)} more</li>}
      </ul>
      {staying === undefined && <p>Others that match stay; how many is not known.</p>}
      {staying !== undefined && staying > 0 && (
        <p>These are the oldest. {countOf(staying)} more match and stay: discard again for them.</p>
      )}
    </Confirm>
  );
}
