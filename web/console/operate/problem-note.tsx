/** Why something could not be read or done, at the place where it belongs: in words, and with the code to look up. */
import type { Problem } from '../problem.ts';

interface ProblemNoteProps {
  readonly problem: Problem | undefined;
  /** What did not work. */
  readonly what: string;
}

export function ProblemNote({ problem, what }: ProblemNoteProps) {
  return (
    <div role="alert">
      {problem !== undefined && (
        <div class="problem">
          <p>
            <b>{what}</b> {problem.title}
          </p>
          <p>
            <bdi>{problem.detail}</bdi>
          </p>
          <p class="quiet">
            <code>{problem.code}</code>
            {problem.scope !== undefined && (
              <>
                {' '}
                needs the scope <code>{problem.scope}</code>
              </>
            )}
          </p>
        </div>
      )}
    </div>
  );
}
