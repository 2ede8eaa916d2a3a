/**
 * Counters, histograms and gauges in Prometheus' text format. A value that is counted for every event is a number in
 * an object that was looked up before: prom-client builds a key from the labels at each count, which costs ten times
 * as much.
 *
 * A counter or histogram lists all values of its labels. Any other value is counted as `other`, so that nothing that
 * a client sends can create a series.
 */
const OTHER = 'other';

/** The values that each label may have, in the order in which labels are written. */
type LabelValues<Label extends string> = Readonly<Record<Label, readonly string[]>>;

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Names of labels, without the `le` of histograms. */
  readonly labelNames: readonly string[];
  /** The lines of all series. */
  lines(): Promise<readonly string[]> | readonly string[];
}

export class Count {
  value = 0;

  add(count = 1): void {
    this.value += count;
  }
}

/** In seconds. An append takes about one millisecond; one that is held back takes as long as Redis is away. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

export class Durations {
  /** How many values fell between each bound and the one before it; the last counts those above all bounds. */
  readonly #counts: number[] = Array(BOUNDS.length + 1).fill(0);
  #sumSeconds = 0;

  /** Two machines' clocks may differ: a negative duration counts as 0. */
  observe(ms: number): void {
    const seconds = ms > 0 ? ms / 1_000 : 0;
    let at = 0;
    for (const bound of BOUNDS) {
      if (seconds <= bound) break;
      at += 1;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sumSeconds += seconds;
  }

  lines(name: string, labels: Readonly<Record<string, string>>): string[] {
    let count = 0;
    const buckets = this.#counts.map((more, at) => {
      count += more;
      return line(`${name}_bucket`, { ...labels, le: `${BOUNDS[at] ?? '+Inf'}` }, count);
    });
    return [...buckets, line(`${name}_sum`, labels, this.#sumSeconds), line(`${name}_count`, labels, count)];
  }
}

/** The series of one metric. Each is created when it is first used, and kept. */
abstract class Series<Label extends string, Cell> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #values: LabelValues<Label>;
  readonly #cells = new Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; readonly cell: Cell }
  >();

  constructor(name: string, help: string, values: LabelValues<Label>) {
    this.name = name;
    this.help = help;
    this.labelNames = Object.keys(values);
    this.#values = values;
  }

  /** Returns the same object for the same labels. Code on a hot path MUST keep it. */
  of(labels: Readonly<Record<Label, string>>): Cell {
    const known = Object.fromEntries(
      Object.entries<readonly string[]>(this.#values).map(([name, values]) => {
        const value = Object.entries<string>(labels).find(([given]) => given === name)?.[1];
        return [name, value !== undefined && values.includes(value) ? value : OTHER];
      }),
    );
    const key = Object.values(known).join(' ');
    const found = this.#cells.get(key) ?? { labels: known, cell: this.make() };
    this.#cells.set(key, found);
    return found.cell;
  }

  lines(): readonly string[] {
    return [...this.#cells.values()].flatMap(({ labels, cell }) => this.write(labels, cell));
  }

  protected abstract make(): Cell;
  protected abstract write(labels: Readonly<Record<string, string>>, cell: Cell): string[];
}

export class Counter<Label extends string = never> extends Series<Label, Count> implements Family {
  readonly type = 'counter';

  protected make(): Count {
    return new Count();
  }

  protected write(labels: Readonly<Record<string, string>>, { value }: Count): string[] {
    return [line(this.name, labels, value)];
  }
}

export class Histogram<Label extends string = never> extends Series<Label, Durations> implements Family {
  readonly type = 'histogram';

  protected make(): Durations {
    return new Durations();
  }

  protected write(labels: Readonly<Record<string, string>>, durations: Durations): string[] {
    return durations.lines(this.name, labels);
  }
}

/** Read at each scrape. An unknown value has no sample, rather than an old one. */
export class Gauge implements Family {
  readonly type = 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly #collect: () => Promise<readonly Sample[]> | readonly Sample[];

  constructor(
    name: string,
    help: string,
    labelNames: readonly string[],
    collect: () => Promise<readonly Sample[]> | readonly Sample[],
  ) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
    this.#collect = collect;
  }

  async lines(): Promise<readonly string[]> {
    const samples = await this.#collect();
    return samples.map(({ labels = {}, value }) => line(this.name, labels, value));
  }
}

export async function metricsTextOf(families: readonly Family[]): Promise<string> {
  const blocks = await Promise.all(
    families.map(async (family) => {
      const { name, help, type } = family;
      const lines = await Promise.resolve(family.lines());
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
    }),
  );
  return blocks.join('\n');
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
