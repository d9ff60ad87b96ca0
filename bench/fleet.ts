import { Generator } from './generators';
import { type BenchServer, startBenchServer } from './servers';
import type { Stage } from './stage';
import type { Town } from './town';

export interface FleetOptions {
  stage: Stage;
  town: Town;
  workers: number;
  /** How many devices connect. */
  connections: number;
  redisUrl: string;
  /** One port for all, as WORKERS has it; or one for each. */
  sharedPort: number | undefined;
  env: Record<string, string>;
  flags: readonly string[];
}

export interface Fleet {
  readonly servers: BenchServer[];
  readonly generators: Generator[];
  /** Everybody comes, each generator's so many at a time. Resolves when all are in or refused, or the time is over. */
  connect(atOnce: number, seconds: number): Promise<Awaited<ReturnType<Generator['connect']>>[]>;
  stop(): Promise<void>;
}

const startedAtOnce = 4;

/** A process holds fewer than 20,000 files. */
export const devicesPerGenerator = 19_000;

/** Many nodes and many generators, started a few at a time; nobody has connected yet. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { stage, town, workers, connections, redisUrl, sharedPort, env, flags } = options;
  const servers: BenchServer[] = [];
  const generators: Generator[] = [];
  const stop = async () => {
    await Promise.all(generators.map((generator) => generator.quit()));
    await Promise.all(servers.map(({ child }) => child.stop('SIGKILL')));
  };
  try {
    const start = () =>
      startBenchServer('own', {
        built: stage.built,
        flags,
        env: {
          DATABASE_URL: stage.postgres.url,
          REDIS_URL: redisUrl,
          WORKERS: String(workers),
          PUBLIC_ORIGIN: origin,
          ...env,
          ...(sharedPort === undefined ? {} : { PORT: String(sharedPort) }),
        },
      });
    while (servers.length < workers) {
      const some = Math.min(startedAtOnce, workers - servers.length);
      servers.push(...(await Promise.all(Array.from({ length: some }, start))));
    }
    const targets =
      sharedPort === undefined ? servers.map(({ port }) => `127.0.0.1:${port}`) : [`127.0.0.1:${sharedPort}`];
    const count = Math.ceil(connections / devicesPerGenerator);
    const first = (number: number) => Math.floor((connections * number) / count);
    for (let number = 0; number < count; number++) {
      const [from, to] = [first(number), first(number + 1)];
      generators.push(
        await Generator.start({
          ...{ program: stage.program, number, origin, dialect: 'aparte', targets },
          people: await town.writePeople(stage.folder, from, to - from),
          conversations: stage.conversations,
        }),
      );
    }
    return {
      servers,
      generators,
      stop,
      connect: (atOnce, seconds) =>
        Promise.all(
          generators.map((generator, number) =>
            generator.connect(first(number + 1) - first(number), atOnce, seconds),
          ),
        ),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const origin = 'http://bench.localhost';
