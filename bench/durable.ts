import pg from 'pg';
import { type Drive, Generator, latencyAt } from './generators';
import { option } from './options';
import { type Bench, median, rounded, row } from './rows';
import { deployedFlags, startBenchServer } from './servers';
import { setStage } from './stage';
import { Town } from './town';

/**
 * From the sender's frame over the commit in Postgres to the receivers' sockets: 2,000 connected devices in 1,000
 * conversations of two, 450 bytes of ciphertext in base64. One node with the heap of `deploy/Dockerfile`, Postgres with
 * its defaults (fsync on, over its socket in the file system, its log worn in) and the generator share the machine's
 * cores.
 *
 * Saturation is a closed loop of 1,000 sends under way, until each is answered. Latency is that of an open loop at
 * half of it, from the moment at which a message was due until the receiver's process has its frame.
 */
const people = 2_000;
const underWay = 1_000;
const ciphertextBytes = 600;
const profileFlags = ['--cpu-prof', '--cpu-prof-dir=/tmp/aparte-profile'];

export const durable: Bench = async (tell) => {
  const rounds = option('rounds', 3);
  const seconds = option('seconds', 5);
  const pairs = Array.from({ length: people / 2 }, (_, pair) => [2 * pair, 2 * pair + 1]);
  const town = new Town({ devicesOf: Array.from({ length: people }, () => 1), conversations: pairs });
  const stage = await setStage(town);
  try {
    await fillLog(stage.postgres.url);
    const server = await startBenchServer('own', {
      built: stage.built,
      env: { DATABASE_URL: stage.postgres.socketUrl },
      flags: [...deployedFlags(), ...(process.argv.includes('--profile') ? profileFlags : [])],
    });
    const generator = await Generator.start({
      program: stage.program,
      people: await town.writePeople(stage.folder, 0, people),
      conversations: stage.conversations,
      targets: [`127.0.0.1:${server.port}`],
      number: 0,
      origin: `http://localhost:${server.port}`,
      dialect: 'aparte',
    });
    const connected = await generator.connect(people, 100, 60);
    if (connected.ready !== people) throw new Error(`Not all came in: ${JSON.stringify(connected)}`);
    const drive = (pace: Drive['pace'], forSeconds: number) =>
      generator.drive({
        ...{ kind: 'send', pace, seconds: forSeconds, sizeBytes: ciphertextBytes, from: 0, to: pairs.length },
      });
    await drive({ window: underWay }, 2);

    const rates: number[] = [];
    const cpuUs: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const cpuBefore = server.child.cpuSeconds();
      const { done, seconds: took } = await drive({ window: underWay }, seconds);
      rates.push(done / took);
      cpuUs.push(((server.child.cpuSeconds() - cpuBefore) / done) * 1e6);
      tell(
        `${round}/${rounds}: ${Math.round(done / took)} messages/s, ${rounded(cpuUs.at(-1) ?? 0)} µs of the node each`,
      );
    }
    const half = median(rates) / 2;
    const p50: number[] = [];
    const p99: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      generator.reset();
      await drive({ open: half }, seconds);
      const report = [await generator.report()];
      p50.push(latencyAt(report, 0.5));
      p99.push(latencyAt(report, 0.99));
      tell(`${round}/${rounds} at ${Math.round(half)}/s: p50 ${p50.at(-1)} ms, p99 ${p99.at(-1)} ms`);
    }
    const report = await generator.report();
    const stored = await storedMessages(stage.postgres.url);
    const wrong = report.errors + report.closed + report.failed + report.twice;
    if (wrong > 0 || report.unique !== 2 * stored)
      throw new Error(`Not exactly once: ${JSON.stringify(report)}`);
    tell(`${stored} messages stored; each of two devices has each number once`);
    await generator.quit();
    await server.child.stop();
    return [
      row('durable_messages_per_s', Math.round(median(rates)), '/s', 'higher', 20_000),
      row('durable_p99_ms_at_half', rounded(median(p99)), 'ms', 'lower', 20),
      row('durable_p50_ms_at_half', rounded(median(p50)), 'ms', 'lower'),
      row('durable_node_cpu_us_per_message', rounded(median(cpuUs)), 'µs', 'lower'),
    ];
  } finally {
    await stage.close();
  }
};

/** More than is written between two checkpoints of a Postgres with its defaults. */
const logSegments = 64;

/**
 * Brings a new Postgres to where one is that has carried such a load for some minutes: its log goes on in files that are
 * there already. A new cluster makes each 16 MB anew, filled with zeros and made durable, which here took 15 to 30 ms
 * every other second.
 */
async function fillLog(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let segment = 0; segment < logSegments; segment++) {
      await client.query("select pg_logical_emit_message(false, 'fill', 'x')");
      await client.query('select pg_switch_wal()');
    }
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

async function storedMessages(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ stored: number }>('select count(*)::integer as stored from messages');
  await client.end();
  return rows[0]?.stored ?? 0;
}
