/**
 * Measures versions of the service side by side, in a process of its own. The order comes as an argument, and the
 * figures go back by IPC.
 *
 * All versions are running at once, each with its own Redis and its own users. They get their events in turns, one
 * portion each. A shared machine may be slower for seconds or minutes; in this way, that affects all versions alike.
 */
import type { Setup } from '../compare/job.ts';
import { onStage, type Stage } from '../compare/stage.ts';
import { costOfEach, madeEvents, sendAll } from '../compare/works/end-to-end.ts';
import { orderSchema } from './order.ts';

const { setups, plan, portions } = orderSchema.parse(JSON.parse(process.argv[2] ?? ''));
const made = madeEvents(plan.warmUpEvents + plan.events, (at) => `user:${at % plan.sockets}`);
const micros = await onStages(setups, [], inTurns);
process.send?.(micros, () => process.exit(0));

async function onStages<T>(
  [setup, ...others]: readonly Setup[],
  stages: readonly Stage[],
  measure: (stages: readonly Stage[]) => Promise<T>,
): Promise<T> {
  if (setup === undefined) return await measure(stages);
  return await onStage(setup, { users: plan.sockets, via: 'rabbitmq' }, (stage) =>
    onStages(others, [...stages, stage], measure),
  );
}

async function inTurns(stages: readonly Stage[]): Promise<readonly number[]> {
  const { sockets, warmUpEvents, events, maxInFlight } = plan;
  for (const stage of stages) await sendAll(stage, made.slice(0, warmUpEvents), maxInFlight);
  const sums = stages.map(() => 0);
  const size = events / portions;
  for (let portion = 0; portion < portions; portion += 1) {
    const begin = warmUpEvents + portion * size;
    const batch = made.slice(begin, begin + size);
    for (let turn = 0; turn < stages.length; turn += 1) {
      // Another version is the first in each portion.
      const at = (turn + portion) % stages.length;
      const stage = stages[at];
      if (stage === undefined) continue;
      const { cpuMicros } = await costOfEach(stage, size, () => sendAll(stage, batch, maxInFlight));
      sums[at] = (sums[at] ?? 0) + cpuMicros / portions;
    }
  }
  for (const { crowd } of stages) await crowd.expectEach(made.length / sockets);
  return sums;
}
