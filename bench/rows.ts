/** One figure. `aim` is what it should reach; `better` says on which side. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly aim?: number;
  readonly better: 'higher' | 'lower';
}

export const row = (name: string, value: number, unit: string, better: Row['better'], aim?: number): Row => ({
  ...{ name, value, unit, better },
  ...(aim === undefined ? {} : { aim }),
});

/** Measures, and tells of its progress meanwhile. */
export type Bench = (tell: (line: string) => void) => Promise<Row[]>;

export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  return rows
    .map(({ name, value, unit, aim, better }) => {
      const sign = better === 'higher' ? '≥' : '≤';
      const met =
        aim === undefined ? '' : (better === 'higher' ? value >= aim : value <= aim) ? 'met' : 'MISSED';
      return `${name.padEnd(width)}  ${String(value).padStart(10)} ${unit.padEnd(5)}${aim === undefined ? '' : `  aim ${sign} ${aim}: ${met}`}`;
    })
    .join('\n');
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

export const median = (values: readonly number[]): number =>
  percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

export const rounded = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits;
