import { existsSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { type Cluster, startCluster } from './cluster/cluster';
import { BareDevice } from './drill/bare-device';
import {
  client,
  device,
  fillMemory,
  floodWithCalls,
  freezeRedis,
  lockConversation,
  lockForHalfASecond,
  type Pair,
  pair,
  talk,
} from './drill/causes';
import { Watcher } from './drill/watcher';
import { panels } from './grafana/dashboard';

// `npm run drill`: a real Prometheus scrapes a real run. Every panel's query must return data, and each alert is made to
// fire by really causing what it is about. The rules are those of rules.yml; only how long a state must last is a
// second instead of minutes, and the scrapes come every second.
const start = performance.now();
const elapsed = () => `${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s`;
const report: { panels: object[]; alerts: object[] } = { panels: [], alerts: [] };
const json = process.argv.includes('--json');
const say = (line: string) => {
  if (!json) console.log(`${elapsed()}  ${line}`);
};

const interrupted = new Promise<never>((_resolve, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => reject(new Error(`Interrupted by ${signal}.`)));
});
const cluster = await startCluster({ scrapeSeconds: 1, alertAfterSeconds: 1 });
try {
  await Promise.race([drill(cluster), interrupted]);
  if (json) console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, ...report }));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await cluster.stop();
}
process.exit();

async function drill({ nodes, postgres, redis, prometheusUrl }: Cluster): Promise<void> {
  const watcher = new Watcher(prometheusUrl);
  const [first, second, third] = nodes;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('Three nodes, please.');
  const db = await client(postgres.url);

  /** Says when an alert has fired. What is to cause it is done again until it does, or `once`; before, it is silent. */
  const fires = async (name: string, withinMs: number, cause?: () => Promise<unknown>, once = false) => {
    if (cause !== undefined)
      await watcher.until(`${name} to be silent`, 90_000, async () =>
        (await watcher.firing(name)) === undefined ? true : undefined,
      );
    if (once) await cause?.();
    const summary = await watcher.until(`the alert ${name}`, withinMs, async () => {
      if (!once) await cause?.();
      return watcher.firing(name);
    });
    report.alerts.push({ name, summary, atSeconds: (performance.now() - start) / 1000 });
    say(`fired: ${name}: ${summary}`);
  };

  // The longest first, beside all others: a minute of CPU.
  favour(third.pid);
  favour(process.pid);
  const flood = floodWithCalls(third);

  const said = await pair(first, second);
  await watcher.until('three nodes to be scraped', 30_000, async () => {
    const [up] = await watcher.query('sum(up{job="aparte"})');
    return up === nodes.length ? up : undefined;
  });
  await everyPanel(watcher, said);
  // A locked row delays the commit and nothing after it; a frozen Redis delays what comes after.
  await fires('DeliverySlow', 30_000, () => lockForHalfASecond(db, said));
  await fires('FanoutSlow', 30_000, () => freezeRedis(cluster, db, said));
  await fires('CpuHigh', 90_000);
  await flood.stop();

  await fires('RedisLinkDown', 30_000, () => redis.kill(), true);
  await redis.start();

  const senders = await Promise.all(Array.from({ length: 132 }, () => device(second)));
  const release = await lockConversation(db, said);
  await fires('MemoryHigh', 60_000, async () => fillMemory(senders, said), true);
  // What waits there is not worth waiting for.
  await fires('NodeDown', 30_000, () => second.kill(), true);
  await release();

  await postgres.kill();
  await fires('ErrorsMany', 40_000, () => talk(said, 5));
}

/** Causes what each panel shows, and asks its queries. */
async function everyPanel(watcher: Watcher, said: Pair): Promise<void> {
  const { from, to, rosterVersion } = said;
  const stranger = new BareDevice(from.origin, '10.8.0.1');
  const slots = [0, 0, 3, 5, 2, 0, 0, 0, 0, 0, 0, 0];
  let lastAt = Number.NEGATIVE_INFINITY;
  const cause = async () => {
    await talk(said, 5);
    // Within what one device may: an error, a refused upgrade, a connection that ends, and figures of devices.
    if (performance.now() - lastAt < 4_000) return;
    lastAt = performance.now();
    await from.say('00000000-0000-4000-8000-000000000000', { rosterVersion });
    await to.connect();
    await stranger.connect().catch(() => undefined);
    for (const one of [from, to])
      one.post({ t: 'figures', figures: { encryptions: slots, decryptions: slots, decryptionFailures: 0 } });
  };
  for (const { title, lines } of panels)
    for (const { name, query } of lines) {
      const text = query.replaceAll('$__rate_interval', '1m');
      const values = await watcher.until(`data for ${title}: ${name}`, 60_000, async () => {
        await cause();
        const found = await watcher.query(text);
        return found.length > 0 ? found : undefined;
      });
      report.panels.push({ title, name, series: values.length, values });
      say(`${title}: ${name}: ${values.map((value) => Number(value.toPrecision(3))).join(', ')}`);
    }
}

/** Other work on the machine must not keep the node from using its core. Where that is not allowed, it has to do. */
function favour(pid: number): void {
  try {
    setPriority(pid, -15);
    // Linux shares its cores among sessions first, and this one has a value of its own.
    if (existsSync(`/proc/${pid}/autogroup`)) writeFileSync(`/proc/${pid}/autogroup`, '-15');
  } catch {
    say('The node cannot be favoured: on a busy machine the CPU alert may take longer.');
  }
}
