import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Row } from './rows';

export interface Distribution {
  title: string;
  /** Pairs of a bucket's upper end in microseconds and its count. */
  latencies: readonly (readonly [us: number, count: number])[];
}

/** Writes what was measured to `bench/reports/NAME.json`, and as a page with plots beside it. */
export async function writeReport(
  name: string,
  rows: readonly Row[],
  distributions: readonly Distribution[],
): Promise<void> {
  const folder = join(import.meta.dirname, 'reports');
  await mkdir(folder, { recursive: true });
  const machine = {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? '',
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
  };
  const report = { bench: name, at: new Date().toISOString(), machine, rows, distributions };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, null, 1)}\n`);
  await writeFile(join(folder, `${name}.html`), page(report));
}

interface Report {
  bench: string;
  at: string;
  machine: Record<string, string | number>;
  rows: readonly Row[];
  distributions: readonly Distribution[];
}

function page({ bench, at, machine, rows, distributions }: Report): string {
  const met = ({ value, aim, better }: Row) =>
    aim === undefined ? '' : (better === 'higher' ? value >= aim : value <= aim) ? 'met' : 'missed';
  const lines = rows.map(
    (row) =>
      `<tr class="${met(row)}"><th>${row.name}<td>${row.value.toLocaleString('en')} ${row.unit}<td>${
        row.aim === undefined ? '' : `${row.better === 'higher' ? '≥' : '≤'} ${row.aim.toLocaleString('en')}`
      }<td>${met(row)}`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${bench}</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2330;background:#fff}
table{border-collapse:collapse}th,td{text-align:left;padding:.2rem 1.2rem .2rem 0;font-weight:400}td{font-variant-numeric:tabular-nums}
.met td:last-child{color:#19724a}.missed td:last-child{color:#b3261e}svg{width:100%;height:auto}text{font-size:11px;fill:#596275}
</style><h1>${bench}</h1><p>${at}. ${Object.entries(machine)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')}</p>
<table><tr><th>row<th>value<th>aim<th>${lines.join('\n')}</table>
${distributions.map(plot).join('\n')}</html>
`;
}

const width = 860;
const height = 260;
const left = 44;
const bottom = 28;

/** The share of deliveries that took longer, against the time, both logarithmic: the tail is what is looked at. */
function plot({ title, latencies }: Distribution): string {
  const all = latencies.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0) return '';
  const [first, last] = [latencies[0]?.[0] ?? 1, latencies.at(-1)?.[0] ?? 1];
  const [low, high] = [Math.log10(first), Math.max(Math.log10(last), Math.log10(first) + 0.1)];
  const decades = 5;
  const x = (us: number) => left + ((Math.log10(us) - low) / (high - low)) * (width - left - 10);
  const y = (share: number) =>
    10 + (Math.min(decades, -Math.log10(Math.max(share, 1e-9))) / decades) * (height - bottom - 20);
  let passed = 0;
  const points = latencies.map(([us, count]) => {
    passed += count;
    return `${x(us).toFixed(1)},${y((all - passed) / all).toFixed(1)}`;
  });
  const rows = ['all', '10 %', '1 %', '0.1 %', '0.01 %', '0.001 %'].map((label, at) => {
    const place = y(10 ** -at).toFixed(1);
    return `<line x1="${left}" x2="${width}" y1="${place}" y2="${place}" stroke="#e3e6ec"/><text x="0" y="${place}">${label}</text>`;
  });
  const marks = [0.1, 1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 5000, 10_000]
    .filter((ms) => ms * 1000 >= first && ms * 1000 <= last)
    .map((ms) => `<text x="${x(ms * 1000).toFixed(1)}" y="${height - 6}">${ms} ms</text>`);
  return `<h2>${title}</h2><p>${all.toLocaleString('en')} deliveries: the share that took longer.</p>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${rows.join('')}${marks.join('')}<polyline points="${points.join(' ')}" fill="none" stroke="#3457d5" stroke-width="2"/></svg>`;
}
