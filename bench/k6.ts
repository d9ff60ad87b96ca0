import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import * as z from 'zod';
import { option } from './options';
import { writeReport } from './report';
import { type Bench, type Row, rounded, row } from './rows';
import { startBenchServer } from './servers';
import { setStage } from './stage';
import { Town } from './town';

/**
 * The load test of the specification by k6: devices with ten sockets on each virtual user, in pairs and in groups of
 * ten, over one node and a real Postgres. `go install go.k6.io/k6@latest` puts the program where it is looked for.
 */
export const k6: Bench = async (tell) => {
  const count = option('sockets', 1_000);
  const seconds = option('seconds', 60);
  const program = k6Program();
  const town = k6Town(count);
  const stage = await setStage(town);
  try {
    const server = await startBenchServer('own', {
      built: stage.built,
      env: { DATABASE_URL: stage.postgres.url },
    });
    const devices = join(stage.folder, 'devices.json');
    const summaryPath = join(stage.folder, 'summary.json');
    await writeFile(devices, JSON.stringify(town.devices()));
    const env = {
      DEVICES: devices,
      SUMMARY: summaryPath,
      SOCKETS: String(socketsPerUser),
      SECONDS: String(seconds),
      INTERVAL_MS: String(option('interval', 2_000)),
      ORIGIN: `http://localhost:${server.port}`,
      URL: `ws://127.0.0.1:${server.port}/ws`,
    };
    const code = await run(program, ['run', '--quiet', ...flags(env), script]);
    await server.child.stop();
    const { metrics } = summary.parse(JSON.parse(await readFile(summaryPath, 'utf8')));
    tell(`k6 ended with ${code}: ${code === 0 ? 'every threshold is met' : 'a threshold is missed'}`);
    const trend = metrics.aparte_fanout.values;
    const rows: Row[] = [
      row('k6_sockets', count, '', 'higher'),
      row('k6_opened_share', metrics.aparte_opened.values.rate, '', 'higher', 1),
      row('k6_fanout_p50_ms', rounded(trend.med), 'ms', 'lower'),
      row('k6_fanout_p95_ms', rounded(trend['p(95)']), 'ms', 'lower', 250),
      row('k6_fanout_max_ms', rounded(trend.max), 'ms', 'lower'),
      row('k6_delivered_share', metrics.aparte_delivered.values.rate, '', 'higher', 0.999),
      row('k6_error_share', metrics.aparte_errors.values.rate, '', 'lower', 0.01),
      row('k6_numbers_seen', metrics.aparte_delivered.values.passes, '', 'higher'),
    ];
    await writeReport('k6', rows, []);
    return rows;
  } finally {
    await stage.close();
  }
};

const socketsPerUser = 10;
const script = join(import.meta.dirname, 'k6/sockets.ts');

const rate = z.object({ values: z.object({ rate: z.number(), passes: z.number(), fails: z.number() }) });
const summary = z.object({
  metrics: z.object({
    aparte_fanout: z.object({ values: z.object({ med: z.number(), max: z.number(), 'p(95)': z.number() }) }),
    aparte_opened: rate,
    aparte_delivered: rate,
    aparte_errors: rate,
  }),
});

function k6Program(): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go/bin')];
  const found = folders.map((folder) => join(folder, 'k6')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('k6 is not installed: go install go.k6.io/k6@latest.');
  return found;
}

const flags = (env: Record<string, string>) =>
  Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);

function run(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** One device each; everybody in a pair, every second one also in a group of ten. */
function k6Town(count: number): Town {
  const range = (from: number, length: number) => Array.from({ length }, (_, at) => from + at);
  return new Town({
    devicesOf: range(0, count).map(() => 1),
    conversations: [
      ...range(0, Math.floor(count / 2)).map((pair) => [2 * pair, 2 * pair + 1]),
      ...range(0, Math.floor(count / 20)).map((group) => range(group * 20, 10).map((at) => at)),
    ],
  });
}
