import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';
import { fileHash, sourceHash } from './source-hash.mjs';

// Makes `npm start` work on a fresh checkout, and take no time when nothing has changed. It runs before anything is
// installed, so it may import Node's own modules and its neighbours only.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lockStamp = join(root, 'node_modules/.cache/aparte/lock');
const buildStamp = join(root, 'dist/source');

const lock = fileHash(join(root, 'package-lock.json'));
if (read(lockStamp) !== lock) {
  if (!installedByHand()) {
    console.log('Installing the packages …');
    await run(npm(), ['ci', '--include=dev'], { cwd: root });
  }
  write(lockStamp, lock);
}

const source = sourceHash(root);
if (read(buildStamp) !== source) {
  console.log('Building …');
  await run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
  write(buildStamp, source);
}

/** Whether npm's own record of what it installed says the same as the lock; some optional packages may be absent. */
function installedByHand() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const { '': _project, ...wanted } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  ).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    return found === undefined ? entry.optional === true : found.version === entry.version;
  });
}

function npm() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
