/** The steps of an event's way, drawn from top to bottom: the longer it took, the longer the line. A list for those who hear it. */
import { duration, moment } from '../words.ts';
import type { Step } from './explanation.ts';
import { type Mark, timelineOf } from './timeline.ts';

interface TimelineProps {
  readonly steps: readonly Step[];
  readonly nowMs: number;
}

export function Timeline({ steps, nowMs }: TimelineProps) {
  return (
    <ol class="timeline" aria-label="Steps, in the order of the event’s way">
      {timelineOf(steps).map((mark, i) => (
        // Nothing is added to an answer or taken from it, and two steps may be the same.
        // biome-ignore lint/suspicious/noArrayIndexKey: the place is what tells them apart.
        <MarkLine key={i} mark={mark} nowMs={nowMs} />
      ))}
    </ol>
  );
}

function MarkLine({ mark, nowMs }: { readonly mark: Mark; readonly nowMs: number }) {
  const { title, detail, tone, atMs, timeOf, gapMs, gap } = mark;
  return (
    <li class="timeline-step" data-tone={tone} data-gap={gap}>
      {gapMs !== undefined && <p class="timeline-gap">{duration(gapMs)} later</p>}
      <i class="timeline-mark" aria-hidden="true" />
      <p class="timeline-time">
        {atMs === undefined ? (
          <span class="quiet">not noted</span>
        ) : (
          <>
            {timeOf !== undefined && <span class="quiet">{timeOf} </span>}
            <time dateTime={new Date(atMs).toISOString()} title={new Date(atMs).toISOString()}>
              {moment(atMs, nowMs)}
              <span class="quiet">.{String(atMs % 1_000).padStart(3, '0')}</span>
            </time>
          </>
        )}
      </p>
      <div class="timeline-what">
        <b>{title}</b>
        <p>
          <bdi>{detail}</bdi>
        </p>
      </div>
    </li>
  );
}
