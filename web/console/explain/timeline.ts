/** From the steps of an explanation to what is drawn: what each is called, its time, and the gap before it. */
import type { Step } from './explanation.ts';

type Tone = 'way' | 'reached' | 'bad' | 'aside';

/** How long the line before a step is: it grows with the logarithm, so that milliseconds and days fit on one drawing. */
type GapSize = 'none' | 'short' | 'medium' | 'long' | 'longest';

export interface Mark {
  readonly title: string;
  readonly detail: string;
  readonly tone: Tone;
  readonly atMs: number | undefined;
  /** What the time is of, where it is not that of the step itself. */
  readonly timeOf: string | undefined;
  /** Since the newest time before it on the event's way; undefined where it has none of its own, or is not later. */
  readonly gapMs: number | undefined;
  readonly gap: GapSize;
}

const KINDS: Readonly<
  Record<string, { readonly title: string; readonly tone: Tone; readonly timeOf?: string }>
> = {
  received: { title: 'Received', tone: 'way' },
  mapped: { title: 'Mapped', tone: 'way', timeOf: 'settled' },
  shown: { title: 'Shown as', tone: 'aside' },
  appended: { title: 'Appended', tone: 'way' },
  // Whether it got it stands in its words alone.
  device: { title: 'Device', tone: 'aside', timeOf: 'came or left' },
  marks: { title: 'Marked', tone: 'reached' },
  gone: { title: 'Gone', tone: 'bad' },
  queue: { title: 'Queue', tone: 'aside' },
  dead_letter: { title: 'Dead letter', tone: 'bad' },
};

export function timelineOf(steps: readonly Step[]): readonly Mark[] {
  let newest: number | undefined;
  return steps.map(({ atMs, what, detail }) => {
    const { title, tone, timeOf } = KINDS[what] ?? { title: what, tone: 'aside', timeOf: undefined };
    // When a device came says nothing of how long the event was under way.
    const isOnWay = what !== 'device' && atMs !== undefined;
    const gapMs = isOnWay && newest !== undefined && atMs > newest ? atMs - newest : undefined;
    if (isOnWay) newest = Math.max(newest ?? atMs, atMs);
    return { title, detail, tone, atMs, timeOf, gapMs, gap: sizeOf(gapMs) };
  });
}

function sizeOf(gapMs: number | undefined): GapSize {
  if (gapMs === undefined) return 'none';
  if (gapMs < 100) return 'short';
  if (gapMs < 10_000) return 'medium';
  return gapMs < 3_600_000 ? 'long' : 'longest';
}
