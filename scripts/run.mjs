import { spawn } from 'node:child_process';

/** Runs a command to its end and passes its output on; a failure ends this process with the same code. */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', ...options });
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...outcome) => resolve(outcome));
  });
  if (code !== 0) {
    console.error(`${command} ${args.join(' ')} ended with ${signal ?? code}.`);
    process.exit(code ?? 1);
  }
}
