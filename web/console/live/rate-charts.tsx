/** Events per second over the last minute, one small chart for each station of the way. */
import { nowMs } from '../clock.ts';
import { countOf } from '../words.ts';
import type { Live } from './live.ts';
import { areaPath, linePath, niceMax } from './scale.ts';
import { lastMinute, rateNow } from './series.ts';
import { STAGES, type StageName } from './tick.ts';

const FRAME = { width: 120, height: 32 };

export function RateCharts({ live }: { readonly live: Live }) {
  const second = Math.floor(nowMs.value / 1_000);
  return (
    <section class="live-part" aria-labelledby="title-rates">
      <div class="part-head">
        <h3 id="title-rates">Per second</h3>
        <p class="quiet">the last minute</p>
      </div>
      <dl class="rates">
        {STAGES.map((stage) => (
          <Rate key={stage} live={live} stage={stage} second={second} />
        ))}
      </dl>
    </section>
  );
}

interface RateProps {
  readonly live: Live;
  readonly stage: StageName;
  readonly second: number;
}

function Rate({ live, stage, second }: RateProps) {
  const values = lastMinute(live.series.value, second * 1_000, ({ counts }) => counts[stage], 0);
  const max = niceMax(values, 2);
  const frame = { ...FRAME, max };
  const peak = Math.max(...values);
  return (
    <div class="rate" data-stage={stage}>
      <dt>{stage}</dt>
      <dd>
        <b>{countOf(rateNow(values))}</b>
        <svg
          viewBox={`0 -1 ${FRAME.width} ${FRAME.height + 2}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${stage} per second over the last minute, at most ${countOf(peak)}`}
        >
          <path class="area" d={areaPath(values, frame)} />
          <path class="line" d={linePath(values, frame)} />
        </svg>
        <span class="quiet">{peak > 0 ? `peak ${countOf(peak)}` : ' '}</span>
      </dd>
    </div>
  );
}
