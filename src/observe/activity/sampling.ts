/** Chooses which stages of a busy tick are shown. */
import { MAX_SAMPLES, type Stage, type StageName, stageNames } from '../../contract/console.ts';

/** Dead letters first, because people look for them. */
const BY_IMPORTANCE: readonly StageName[] = ['dead', ...stageNames.filter((name) => name !== 'dead')];

/**
 * At most {@link MAX_SAMPLES} stages, in the order in which they happened: the first of each kind, then the second of
 * each, and so on. So the samples show the whole way of a few events, and a burst of one kind does not hide the
 * others.
 */
export function fairShare(stages: readonly Stage[]): readonly Stage[] {
  const kept = beforeDeliveries(stages.length <= MAX_SAMPLES ? stages : firstOfEachKind(stages));
  return kept.sort((a, b) => a.atMs - b.atMs || stageNames.indexOf(a.stage) - stageNames.indexOf(b.stage));
}

/**
 * The script that appends also publishes, so a gateway may deliver before the consumer knows that the append is done.
 * Such an append is dated no later than its delivery.
 */
function beforeDeliveries(stages: readonly Stage[]): Stage[] {
  const deliveredAtMs = new Map<string, number>();
  for (const one of stages) {
    if (one.stage !== 'delivered') continue;
    const key = placeOf(one);
    deliveredAtMs.set(key, Math.min(one.atMs, deliveredAtMs.get(key) ?? one.atMs));
  }
  return stages.map((one) => {
    const latestMs = one.stage === 'appended' ? deliveredAtMs.get(placeOf(one)) : undefined;
    return latestMs === undefined || latestMs >= one.atMs ? one : { ...one, atMs: latestMs };
  });
}

function placeOf({ audience, epoch, offset }: Stage): string {
  return `${audience} ${epoch} ${offset}`;
}

function firstOfEachKind(stages: readonly Stage[]): Stage[] {
  const kinds = BY_IMPORTANCE.map((name) => stages.filter(({ stage }) => stage === name));
  const kept: Stage[] = [];
  for (let i = 0; kept.length < MAX_SAMPLES; i += 1) {
    const round = kinds.flatMap((kind) => kind.slice(i, i + 1));
    kept.push(...round.slice(0, MAX_SAMPLES - kept.length));
  }
  return kept;
}
