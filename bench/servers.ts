import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import * as z from 'zod';
import { freePort } from '../server/http/free-port';
import { Child } from './child';

const root = join(import.meta.dirname, '..');
const ready = z.object({ port: z.number().min(1), control: z.number().optional() });

export interface BenchServer {
  readonly child: Child;
  readonly port: number;
  readonly control: number;
}

export type ServerName = 'own' | 'bare-uws' | 'bare-ws' | 'bare-socket-io';

/** Builds the programs in `nodes` as the server itself is built. @returns the folder they are in */
export async function buildServers(): Promise<string> {
  const names: ServerName[] = ['own', 'bare-uws', 'bare-ws', 'bare-socket-io'];
  await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => `bench/nodes/${name}.ts`),
    outdir: 'dist/bench',
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return join(root, 'dist/bench');
}

export interface ServerOptions {
  built: string;
  core?: number;
  env?: Record<string, string>;
  /** For Node itself, such as --max-semi-space-size. */
  flags?: readonly string[];
}

const command = z.array(z.string());

/** What Node is given by `deploy/Dockerfile`, for a node that has a machine for itself. */
export function deployedFlags(): string[] {
  const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');
  const words = /^CMD (.+)$/m.exec(dockerfile)?.[1];
  if (words === undefined) throw new Error('deploy/Dockerfile has no command.');
  return command.parse(JSON.parse(words)).filter((word) => word.startsWith('--'));
}

export async function startBenchServer(name: ServerName, options: ServerOptions): Promise<BenchServer> {
  const { built, core, env, flags = [] } = options;
  const port = env?.PORT ?? String(await freePort());
  const child = new Child(process.execPath, [...flags, join(built, `${name}.js`)], {
    ...(core === undefined ? {} : { core }),
    env: { NODE_ENV: 'production', LOG_LEVEL: 'error', PORT: port, ...env },
    node: true,
  });
  const said = ready.parse(await child.message());
  return { child, port: said.port, control: said.control ?? 0 };
}
