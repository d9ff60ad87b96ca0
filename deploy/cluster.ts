import { MissingPrograms, startCluster } from './cluster/cluster';

// `npm run cluster`: NGINX, three nodes, Redis, Postgres and Prometheus from installed programs, without containers.
// Ctrl-C ends all of it in order; what was written is removed.
const asked = new Promise<void>((resolve) => {
  process.on('SIGINT', () => resolve());
  process.on('SIGTERM', () => resolve());
});
const { PORT } = process.env;
try {
  const cluster = await startCluster(PORT === undefined ? {} : { port: Number(PORT) });
  const lines = [
    ['Aparté', cluster.origin],
    ['Prometheus', cluster.prometheusUrl],
    ...cluster.nodes.map((node, index) => [`node ${index + 1}`, `${node.origin}, ${node.metricsUrl}`]),
    ['Postgres', cluster.postgres.url],
  ];
  for (const [name, url] of lines) console.log(`${name?.padEnd(12)}${url}`);
  console.log('Ctrl-C ends it.');
  await asked;
  console.log('Ending …');
  await cluster.stop();
} catch (error) {
  console.error(error instanceof MissingPrograms ? error.message : error);
  process.exitCode = 1;
}
