import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMetrics } from '../server/metrics/metrics';
import { findProgram } from './cluster/program';

const run = promisify(execFile);
const prometheus = join(import.meta.dirname, 'prometheus');
const rules = () => readFile(join(prometheus, 'rules.yml'), 'utf8');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aparte-deploy-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`These tests need ${name}.`);
  return path;
}

test.each([
  ['the configuration', ['check', 'config', 'prometheus.yml']],
  ['the rules', ['check', 'rules', 'rules.yml']],
  ['what the rules are meant to do', ['test', 'rules', 'rules.test.yml']],
])('Prometheus takes %s', async (_what, args) => {
  const { stdout } = await run(program('promtool'), args, { cwd: prometheus });
  expect(stdout).toContain('SUCCESS');
});

test('every alert is tested, and described for operators', async () => {
  const alerts = [...(await rules()).matchAll(/alert: (\w+)/g)].map((match) => match[1] ?? '');
  const tests = await readFile(join(prometheus, 'rules.test.yml'), 'utf8');
  const page = await readFile(join(import.meta.dirname, '../docs/operating.md'), 'utf8');
  expect(alerts.length).toBeGreaterThanOrEqual(4);
  for (const alert of alerts) {
    expect(tests).toContain(`alertname: ${alert}\n`);
    expect(page).toContain(`**${alert}**`);
  }
});

test('the rules ask only for metrics that the code has', async () => {
  const metrics = await createMetrics().registry.getMetricsAsJSON();
  const names = new Set(metrics.map((metric) => metric.name));
  const ofParts = [
    'aparte_commit_queue_messages',
    'aparte_redis_link_up',
    'aparte_workers',
    'aparte_workers_scraped',
  ];
  for (const name of ofParts) names.add(name);
  for (const [name] of (await rules()).matchAll(/aparte_[a-z_]+/g))
    expect(names).toContain(name.replace(/_(bucket|count)$/, ''));
});

test('NGINX takes its configuration', async () => {
  await mkdir(join(folder, 'conf.d'));
  await cp(join(import.meta.dirname, 'nginx/nginx.conf'), join(folder, 'nginx.conf'));
  const template = await readFile(join(import.meta.dirname, 'nginx/aparte.conf.template'), 'utf8');
  const site = template
    .replace(/\$\{APARTE_LISTEN\}/g, '127.0.0.1:8080')
    .replace(/\$\{APARTE_NODES\}/g, 'server 127.0.0.1:3001; server 127.0.0.1:3002;');
  expect(site).not.toContain('${');
  await writeFile(join(folder, 'conf.d/aparte.conf'), site);
  const args = ['-t', '-p', folder, '-c', join(folder, 'nginx.conf'), '-g', `pid ${folder}/pid;`];
  const { stderr } = await run(program('nginx'), args);
  expect(stderr).toContain('test is successful');
});

test('the README’s table of settings is the one that is read from the environment', async () => {
  const root = join(import.meta.dirname, '..');
  const source = await readFile(join(root, 'server/config.ts'), 'utf8');
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name).sort();
  const read = names(source, /^ {4}([A-Z][A-Z_]+): /gm);
  expect(read).toContain('DATABASE_URL');
  expect(names(readme, /^\| `([A-Z][A-Z_]+)` \|/gm)).toEqual(read);
});
