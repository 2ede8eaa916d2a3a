/**
 * Measures versions of the service beside each other, in a process of its own: the order comes as argument, what was
 * found goes by IPC.
 *
 * All of them stand ready at once, each with its own Redis and its own users, and are given their events in turns, a
 * portion each. A machine that others share is slower for seconds and for minutes; this way that meets all alike.
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
      // Nobody is always the first.
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
