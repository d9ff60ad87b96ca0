import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/**
 * Numbers that hot paths write as plain fields and a scrape reads. The library's own `inc` and `observe` hash their
 * labels at every call, which on the path of a delivery would cost more than the rest of our code there.
 * The values of a label are all known from the start: a label cannot grow, and every series is there at zero.
 */
export class Count {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }
}

/** How values are spread, as a Prometheus histogram with fixed bounds. */
export class Spread {
  readonly counts: Float64Array;
  sum = 0;

  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Adds a value, or the same value `times` times at the cost of one. What is no number, or negative, counts as zero. */
  add(value: number, times = 1): void {
    const known = Math.max(value, 0) || 0;
    let place = 0;
    while (place < this.bounds.length && known > (this.bounds[place] ?? 0)) place += 1;
    this.counts[place] = (this.counts[place] ?? 0) + times;
    this.sum += known * times;
  }
}

interface Named {
  /** With its unit last: `_seconds`, `_bytes`, and `_total` for what only grows. */
  readonly name: string;
  readonly help: string;
}

/** A label and every value that it can have. */
export interface Label<Value extends string> {
  readonly label: string;
  readonly values: readonly Value[];
}

/** Makes metrics of one registry. */
export class MetricMaker {
  constructor(readonly registry: Registry) {}

  count(named: Named): Count {
    const cell = new Count();
    this.#counter(named, [], (counter) => counter.inc(cell.value));
    return cell;
  }

  counts<Value extends string>(named: Named & Label<Value>): Record<Value, Count> {
    const cells = record(named.values, () => new Count());
    this.#counter(named, [named.label], (counter) => {
      for (const value of named.values) counter.inc({ [named.label]: value }, cells[value].value);
    });
    return cells;
  }

  spread(named: Named & { bounds: readonly number[] }): Spread {
    const cell = new Spread(named.bounds);
    new SpreadMetric(named, this.registry, [{ labels: {}, cell }]);
    return cell;
  }

  spreads<Value extends string>(
    named: Named & Label<Value> & { bounds: readonly number[] },
  ): Record<Value, Spread> {
    const cells = record(named.values, () => new Spread(named.bounds));
    new SpreadMetric(
      named,
      this.registry,
      named.values.map((value) => ({ labels: { [named.label]: value }, cell: cells[value] })),
      [named.label],
    );
    return cells;
  }

  /** A value that is looked up at each scrape. */
  gauge(named: Named, read: () => number): void {
    const { name, help } = named;
    const registers = [this.registry];
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  gauges<Value extends string>(named: Named & Label<Value>, read: () => Record<Value, number>): void {
    const { name, help, label, values } = named;
    const registers = [this.registry];
    new Gauge({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        const found = read();
        for (const value of values) this.set({ [label]: value }, found[value]);
      },
    });
  }

  #counter({ name, help }: Named, labelNames: string[], write: (counter: Counter) => void): void {
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        write(this);
      },
    });
  }
}

interface LabelledSpread {
  readonly labels: Record<string, string>;
  readonly cell: Spread;
}

/** A histogram whose numbers are kept in spreads. */
class SpreadMetric extends Histogram {
  readonly #spreads: readonly LabelledSpread[];
  readonly #named: Named;

  constructor(
    named: Named & { bounds: readonly number[] },
    registry: Registry,
    spreads: readonly LabelledSpread[],
    labelNames: string[] = [],
  ) {
    const { name, help, bounds } = named;
    super({ name, help, buckets: [...bounds], labelNames, registers: [registry] });
    this.#named = { name, help };
    this.#spreads = spreads;
  }

  /** What the library asks for, to write text and, with the labels joined, JSON. */
  async getForPromString() {
    const values = this.#spreads.flatMap(({ labels, cell }) => samplesOf(this.#named.name, labels, cell));
    return { ...this.#named, type: 'histogram', aggregator: 'sum', values };
  }
}

function samplesOf(name: string, sharedLabels: Record<string, string>, { bounds, counts, sum }: Spread) {
  let total = 0;
  const bucket = (le: number | string, place: number) => {
    total += counts[place] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le }, sharedLabels, value: total };
  };
  const buckets = [...bounds.map(bucket), bucket('+Inf', bounds.length)];
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, sharedLabels, value: sum },
    { metricName: `${name}_count`, labels: {}, sharedLabels, value: total },
  ];
}

function record<Value extends string, Cell>(values: readonly Value[], make: () => Cell): Record<Value, Cell> {
  return Object.fromEntries(values.map((value) => [value, make()])) as Record<Value, Cell>;
}
