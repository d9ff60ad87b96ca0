import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Two processes: Next with hot reload on PORT, and the server behind it, restarted when its sources change.
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const port = process.env.PORT ?? '3000';
const serverPort = process.env.SERVER_PORT ?? '3001';
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', SERVER_PORT: serverPort };

const start = (file, args, more) =>
  spawn(process.execPath, [join(root, 'node_modules', file), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, ...more },
  });

const children = [
  start('tsx/dist/cli.mjs', ['watch', '--clear-screen=false', 'server/main.ts'], {
    PORT: serverPort,
    PUBLIC_ORIGIN: `http://localhost:${port}`,
  }),
  start('next/dist/bin/next', ['dev', '--port', port], {}),
];

const stop = () => {
  for (const child of children) child.kill('SIGTERM');
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
for (const child of children) {
  child.on('exit', (code) => {
    process.exitCode ??= code ?? 0;
    stop();
  });
}
