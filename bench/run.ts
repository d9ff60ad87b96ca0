import { type Bench, table } from './rows';

const benches: Record<string, () => Promise<Bench>> = {
  link: async () => (await import('./link')).link,
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
