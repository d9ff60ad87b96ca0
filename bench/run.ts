import { type Bench, table } from './rows';

const benches: Record<string, () => Promise<Bench>> = {
  cluster: async () => (await import('./cluster')).cluster,
  durable: async () => (await import('./durable')).durable,
  fanout: async () => (await import('./fanout')).fanout,
  k6: async () => (await import('./k6')).k6,
  lighthouse: async () => (await import('./lighthouse')).lighthouseBench,
  link: async () => (await import('./link')).link,
  offline: async () => (await import('./offline')).offline,
  million: async () => (await import('./million')).million,
  metrics: async () => (await import('./metrics')).metrics,
  'read-sync': async () => (await import('./read-sync')).readSync,
  send: async () => (await import('./send')).send,
  size: async () => (await import('./size')).size,
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const name = args.find((arg) => !arg.startsWith('-')) ?? '';
const load = benches[name];
if (load === undefined) {
  console.error(`npm run bench -- NAME [--json], where NAME is one of: ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}
const bench = await load();
const rows = await bench((line) => console.error(line));
console.log(json ? JSON.stringify({ bench: name, rows }) : table(rows));
