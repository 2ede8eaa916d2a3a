/** Health depends on the parts that delivery needs, and not on the process being alive. */
import type { Health, HealthReport, PartHealth } from '../contract/health.ts';

/** One part's present state. Read on every request, so it MUST be cheap. */
export type Probe = () => PartHealth;

export class PartsHealth implements Health {
  readonly #probes: Readonly<Record<string, Probe>>;
  #hasStarted = false;
  #isDraining = false;

  constructor(probes: Readonly<Record<string, Probe>>) {
    this.#probes = probes;
  }

  /** The process is not ready from now on, whatever its parts report. */
  drain(): void {
    this.#isDraining = true;
  }

  live(): HealthReport {
    return { status: 'alive' };
  }

  startup(): HealthReport {
    const report = this.ready();
    return this.#hasStarted ? { ...report, status: 'ready' } : report;
  }

  ready(): HealthReport {
    const parts = Object.fromEntries(Object.entries(this.#probes).map(([name, probe]) => [name, probe()]));
    const works = Object.values(parts).every(({ ok }) => ok);
    if (works) this.#hasStarted = true;
    if (this.#isDraining) return { status: 'draining', parts };
    if (works) return { status: 'ready', parts };
    return { status: this.#hasStarted ? 'not_ready' : 'starting', parts };
  }
}

/** A part's health from whether it works and what state it is in. */
export function whether(ok: boolean, state: string): PartHealth {
  return ok ? { ok } : { ok, reason: state };
}
