import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

// Everything that must hold, from a bare checkout: `npm test` all of it, `npm run check` what needs no browser,
// `npm run e2e` the journeys. The last line counts. Node's own modules only: nothing may be installed yet.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const part = process.argv[2] ?? 'all';
const reports = mkdtempSync(join(tmpdir(), 'aparte-reports-'));
const bin = (name) => join(root, 'node_modules', name);

/** What the tests run besides Node, and Debian's package that has it. */
const programs = [
  { name: 'Chromium', apt: 'chromium', there: () => existsSync(process.env.CHROMIUM ?? '/usr/bin/chromium') },
  { name: 'Postgres', apt: 'postgresql', there: () => existsSync('/usr/lib/postgresql') },
  { name: 'Redis', apt: 'redis-server', there: () => existsSync('/usr/bin/redis-server') },
  { name: 'NGINX', apt: 'nginx', there: () => existsSync('/usr/sbin/nginx') },
  { name: 'Prometheus', apt: 'prometheus', there: () => existsSync('/usr/bin/promtool') },
];

installPrograms();
await run(process.execPath, [join(root, 'scripts/prestart.mjs')], { cwd: root });

let passed = 0;
let failed = 0;
/** What failed, to be named again at the end: the reports above it are long. */
const failures = [];
if (part !== 'e2e') {
  await check('format and lint', bin('@biomejs/biome/bin/biome'), ['check', '--error-on-warnings', '.']);
  await check('types', bin('typescript/bin/tsc'), ['--noEmit']);
  await check('unused code', bin('knip/bin/knip.js'), ['--no-progress']);
  const report = join(reports, 'vitest.json');
  await command(bin('vitest/vitest.mjs'), [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const { numPassedTests = 0, numFailedTests = 0, success = false, testResults = [] } = read(report);
  for (const file of testResults) {
    const broken = file.assertionResults.filter((test) => test.status === 'failed');
    for (const test of broken) failures.push(`${file.name.replace(`${root}/`, '')}: ${test.fullName}`);
    if (broken.length === 0 && file.status === 'failed') failures.push(`${file.name}: ${file.message}`);
  }
  // A file that does not load has no tests to fail: it counts as one.
  count(numPassedTests, numFailedTests || (success ? 0 : 1));
}
if (part !== 'check') {
  const report = join(reports, 'playwright.json');
  const env = { ...process.env, PLAYWRIGHT_JSON_OUTPUT_NAME: report };
  const code = await command(bin('@playwright/test/cli.js'), ['test', '--reporter=list,json'], env);
  const { stats, suites = [] } = read(report);
  const { expected = 0, unexpected = 0, flaky = 0 } = stats ?? {};
  for (const suite of suites) failures.push(...brokenSpecs(suite));
  count(expected, unexpected + flaky || (code === 0 ? 0 : 1));
}
rmSync(reports, { recursive: true });
for (const failure of failures) console.log(`FAILED: ${failure}`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function check(name, script, args) {
  const code = await command(script, args);
  if (code !== 0) failures.push(name);
  count(code === 0 ? 1 : 0, code === 0 ? 0 : 1);
}

function brokenSpecs({ specs = [], suites = [] }) {
  const own = specs.filter((spec) => !spec.ok).map((spec) => `${spec.file}: ${spec.title}`);
  return [...own, ...suites.flatMap(brokenSpecs)];
}

async function command(script, args, env = process.env) {
  const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit', env });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

function count(good, bad) {
  passed += good;
  failed += bad;
}

function read(report) {
  return existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
}

function installPrograms() {
  const missing = programs.filter((program) => !program.there());
  if (missing.length === 0) return;
  const packages = missing.map((program) => program.apt);
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    const names = missing.map((program) => program.name).join(', ');
    console.error(`The tests need ${names}. On Debian: apt-get install ${packages.join(' ')}.`);
    process.exit(1);
  }
  console.log(`Installing ${packages.join(', ')} …`);
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  execFileSync('apt-get', ['update', '-qq'], options);
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
}
