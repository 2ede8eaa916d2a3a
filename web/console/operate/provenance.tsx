/** Where what a view shows comes from, when it was read, and what cannot be seen in it. */
import { nowMs } from '../clock.ts';
import { ago, clockTime } from '../words.ts';

interface ProvenanceProps {
  readonly path: string;
  /** Undefined: it was not read yet. */
  readonly atMs: number | undefined;
  readonly isReading: boolean;
  readonly onRead?: () => void;
  /** Sentences about what the view cannot know. */
  readonly unknown: readonly string[];
}

export function Provenance({ path, atMs, isReading, onRead, unknown }: ProvenanceProps) {
  return (
    <footer class="provenance">
      <p class="provenance-read">
        <span>
          {atMs === undefined ? (
            'Not read yet'
          ) : (
            <>
              Read at <time dateTime={new Date(atMs).toISOString()}>{clockTime(atMs)}</time>,{' '}
              {ago(atMs, nowMs.value)}
            </>
          )}
          , from <code>{path}</code>
        </span>
        {onRead !== undefined && (
          <button type="button" class="plain" aria-disabled={isReading} onClick={onRead}>
            {isReading ? 'Reading …' : 'Read again'}
          </button>
        )}
      </p>
      <ul>
        {unknown.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </footer>
  );
}
