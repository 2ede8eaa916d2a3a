/** How long from an event's being published to its being written to sockets: the median and the slowest. */
import { nowMs } from '../clock.ts';
import { milliseconds } from '../words.ts';
import type { Live } from './live.ts';
import { dotsPath, linePath, niceMax } from './scale.ts';
import { lastMinute } from './series.ts';

const FRAME = { width: 300, height: 72 };

export function LatencyChart({ live }: { readonly live: Live }) {
  const now = Math.floor(nowMs.value / 1_000) * 1_000;
  const seconds = lastMinute(live.series.value, now, ({ latencyMs }) => latencyMs, undefined);
  const p50 = seconds.map((latency) => latency?.p50);
  const p99 = seconds.map((latency) => latency?.p99);
  const known = [...p50, ...p99].filter((value) => value !== undefined);
  const max = niceMax(known, 1);
  const frame = { ...FRAME, max };
  const last = seconds.findLast((latency) => latency !== undefined);
  return (
    <section class="live-part" aria-labelledby="title-latency">
      <div class="part-head">
        <h3 id="title-latency">Latency</h3>
        <p class="quiet">published to written on sockets</p>
      </div>
      <div class="latency">
        <svg
          viewBox={`0 -5 ${FRAME.width} ${FRAME.height + 10}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={
            last === undefined
              ? 'Latency over the last minute: nothing was delivered'
              : `Latency over the last minute; last p50 ${milliseconds(last.p50)}, p99 ${milliseconds(last.p99)}`
          }
        >
          {[0, 0.5, 1].map((part) => (
            <path key={part} class="grid" d={`M0 ${FRAME.height * part}H${FRAME.width}`} />
          ))}
          <path class="line p99" d={linePath(p99, frame)} />
          <path class="line p99 dots" d={dotsPath(p99, frame)} />
          <path class="line p50" d={linePath(p50, frame)} />
          <path class="line p50 dots" d={dotsPath(p50, frame)} />
        </svg>
        <span class="axis top" aria-hidden="true">
          {milliseconds(max)}
        </span>
        <span class="axis bottom" aria-hidden="true">
          0
        </span>
      </div>
      <p class="legend">
        <span data-line="p50">p50 {last === undefined ? '–' : milliseconds(last.p50)}</span>
        <span data-line="p99">p99 {last === undefined ? '–' : milliseconds(last.p99)}</span>
      </p>
    </section>
  );
}
