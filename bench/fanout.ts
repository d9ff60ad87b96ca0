import { pinSelf } from './child';
import { type Drive, Generator } from './generators';
import { option } from './options';
import { type Bench, median, type Row, rounded } from './rows';
import { type BenchServer, type ServerName, startBenchServer } from './servers';
import { type Stage, setStage } from './stage';
import { Town } from './town';

/**
 * Our node beside bare ones: servers on core 0, everything else on core 1, 15,000 connections to each, in rounds. All
 * servers of a round stand from its beginning, and each shape is driven at one after the other within seconds: the
 * machine's pace changes by a quarter within half a minute, and a ratio would be that of two moments.
 *
 * - relay, fanout_10, fanout_1000: a frame of a device goes in, and out to 1, 10 or 1,000 others. Ours is a typing
 *   signal: parsed, checked, counted against the sender's rate, looked up who may hear it, serialised once, through
 *   broker and hub. A bare server passes on the bytes that it got, as many as ours has.
 * - broadcast: one delivery to all, the next when everybody has it. Ours is put into the broker at its one end and
 *   leaves by the sockets; a bare server is asked by a frame.
 * - burst: 16 of them at once.
 */
const connectionCount = 15_000;
const groupsOf11 = 1_000;
const groupsOf251 = 3;
const singles = groupsOf11 * 11;
const frameBytes = 256;
const signalBytes = 125;

const shapes = ['relay', 'fanout_10', 'fanout_1000', 'broadcast', 'publish', 'burst'] as const;
type Shape = (typeof shapes)[number];
/** Deliveries per second, and bytes. */
interface Measured {
  rates: Map<Shape, number>;
  bytesPerConnection: number;
  idleBytesPerConnection: number;
  /** After load, with the garbage of it. */
  garbageBytesPerConnection: number;
}

const peers = (['own', 'bare-uws', 'bare-ws', 'bare-socket-io'] satisfies ServerName[]).slice(
  0,
  option('servers', 4),
);

export const fanout: Bench = async (tell) => {
  const rounds = option('rounds', 3);
  const seconds = option('seconds', 3);
  pinSelf(1);
  const town = fanoutTown();
  const stage = await setStage(town);
  try {
    const people = await town.writePeople(stage.folder, 0, connectionCount);
    const setting: Setting = { seconds, town, stage, people };
    const results = new Map<ServerName, Measured[]>(peers.map((name) => [name, []]));
    for (let round = 1; round <= rounds; round++)
      for (const [name, measured] of await measureAll(setting)) {
        results.get(name)?.push(measured);
        tell(`${round}/${rounds} ${name}: ${told(measured)}`);
      }
    return rowsOf(results);
  } finally {
    await stage.close();
  }
};

interface Setting {
  seconds: number;
  town: Town;
  stage: Stage;
  people: string;
}

/** 11,000 people with one device, in pairs and in groups of 11; 1,000 with four, in groups of 251. */
function fanoutTown(): Town {
  const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);
  return new Town({
    devicesOf: [...range(0, singles).map(() => 1), ...range(0, 1_000).map(() => 4)],
    conversations: [
      ...range(0, singles / 2).map((pair) => [2 * pair, 2 * pair + 1]),
      ...range(0, groupsOf11).map((group) => range(group * 11, 11)),
      ...range(0, groupsOf251).map((group) => range(singles + group * 251, 251)),
    ],
  });
}

/** A server with all its connections, and what was measured of it so far. */
interface Stand {
  readonly name: ServerName;
  /** Of ours; the others have no people. */
  readonly town: Town | undefined;
  readonly server: BenchServer;
  readonly generator: Generator;
  readonly bytesBefore: number;
  readonly bytesIdle: number;
  readonly rates: Map<Shape, number>;
}

async function measureAll(setting: Setting): Promise<Map<ServerName, Measured>> {
  const stands: Stand[] = [];
  try {
    for (const name of peers) stands.push(await standUp(name, stands.length, setting));
    for (const shape of shapes) for (const stand of stands) await drive(stand, shape, setting.seconds);
    const measured = new Map<ServerName, Measured>();
    for (const stand of stands) measured.set(stand.name, await measuredOf(stand));
    return measured;
  } finally {
    for (const { name, server, generator } of stands) {
      await generator.quit();
      await server.child.stop(name === 'own' ? 'SIGTERM' : 'SIGKILL');
    }
  }
}

const warmUpCount = 500;

async function standUp(name: ServerName, number: number, setting: Setting): Promise<Stand> {
  const { stage, people } = setting;
  const { program, built, conversations } = stage;
  const own = name === 'own';
  const town = own ? setting.town : undefined;
  const server = await startBenchServer(name, {
    built,
    core: 0,
    env: own ? { DATABASE_URL: stage.postgres.url } : {},
    // As `npm start` has it.
    flags: own ? ['--max-semi-space-size=4', '--expose-gc'] : [],
  });
  const generator = await Generator.start({
    program,
    people,
    targets: [`127.0.0.1:${server.port}`],
    number,
    origin: `http://localhost:${server.port}`,
    ...(own ? { conversations } : {}),
    dialect: own ? 'aparte' : name === 'bare-socket-io' ? 'socket.io' : 'plain',
  });
  // What a process needs once, whoever comes, does not count for a connection.
  await connect(generator, warmUpCount);
  if (own) await generator.drive({ ...ownDrive('relay', 2), to: warmUpCount / 2 });
  else await generator.drive({ ...bareDrive('relay', 2), to: warmUpCount });
  const bytesBefore = await heldBytes(server, town);
  await connect(generator, connectionCount);
  const bytesIdle = await heldBytes(server, town);
  if (town !== undefined) {
    server.child.send({
      userIds: town.plan.devicesOf.map((_, user) => town.userId(user)),
      frame: messageFrame(),
    });
    await server.child.message();
    generator.control(server.control);
  }
  return { name, town, server, generator, bytesBefore, bytesIdle, rates: new Map() };
}

async function drive({ name, generator, rates }: Stand, shape: Shape, seconds: number): Promise<void> {
  if (shape === 'publish' && name !== 'bare-uws') return;
  const drive = name === 'own' ? ownDrive(shape, seconds) : bareDrive(shape, seconds);
  // Once through before it counts: what a server makes at first use, it has then.
  await generator.drive({ ...drive, seconds: Math.max(0.5, seconds / 3) });
  const driven = await generator.drive(drive);
  if (driven.delivered !== driven.expected)
    throw new Error(`${name} ${shape}: ${driven.delivered} of ${driven.expected} arrived.`);
  rates.set(shape, driven.delivered / driven.seconds);
}

async function measuredOf(stand: Stand): Promise<Measured> {
  const { name, town, server, generator, bytesBefore, bytesIdle, rates } = stand;
  const report = await generator.report();
  if (report.failed + report.closed + report.errors > 0)
    throw new Error(`${name}: ${JSON.stringify(report)}`);
  const per = (bytes: number) => (bytes - bytesBefore) / (connectionCount - warmUpCount);
  const withGarbage = server.child.residentBytes();
  return {
    rates,
    idleBytesPerConnection: per(bytesIdle),
    bytesPerConnection: per(await heldBytes(server, town)),
    garbageBytesPerConnection: per(withGarbage),
  };
}

/**
 * Resident bytes of a server, ours without garbage: when the engine collects it, that of starting, warming up or load
 * is more than the connections hold, and it would count as theirs or against them.
 */
async function heldBytes({ child }: BenchServer, town: Town | undefined): Promise<number> {
  if (town !== undefined) {
    child.send({ collect: true });
    await child.message();
  }
  return child.residentBytes();
}

async function connect(generator: Generator, count: number): Promise<void> {
  const { ready, lastCloseCode } = await generator.connect(count, 200, 60);
  if (ready !== count)
    throw new Error(`Only ${ready} of ${count} came in, the last close was ${lastCloseCode}.`);
}

const manyAtOnce = 1_000;

function ownDrive(shape: Shape, seconds: number): Drive {
  const groups11 = singles / 2;
  const groups251 = groups11 + groupsOf11;
  const signal = (from: number, to: number, window: number): Drive => ({
    ...{ kind: 'activity', pace: { window }, seconds, sizeBytes: 0, from, to },
  });
  const control = (pace: Drive['pace']): Drive => ({
    ...{ kind: 'control', pace, seconds, sizeBytes: 0, from: connectionCount, to: 0 },
  });
  switch (shape) {
    case 'relay':
      return signal(0, groups11, manyAtOnce);
    case 'fanout_10':
      return signal(groups11, groups251, manyAtOnce);
    case 'fanout_1000':
      return signal(groups251, groups251 + groupsOf251, 4 * manyAtOnce);
    case 'broadcast':
    case 'publish':
      return control({ burst: 1 });
    case 'burst':
      return control({ burst: 16 });
  }
}

function bareDrive(shape: Shape, seconds: number): Drive {
  const group = (kind: Drive['kind'], reached: number, window: number): Drive => ({
    ...{ kind, pace: { window }, seconds, sizeBytes: signalBytes, from: reached, to: singles },
  });
  const all = (kind: Drive['kind'], burst: number): Drive => ({
    ...{ kind, pace: { burst }, seconds, sizeBytes: frameBytes, from: connectionCount, to: connectionCount },
  });
  switch (shape) {
    case 'relay':
      return group('relay', 1, manyAtOnce);
    case 'fanout_10':
      return group('fan', 10, manyAtOnce);
    case 'fanout_1000':
      return group('fan', 1_000, 4 * manyAtOnce);
    case 'broadcast':
      return all('broadcast', 1);
    case 'burst':
      return all('broadcast', 16);
    case 'publish':
      return all('publish', 1);
  }
}

function messageFrame(): string {
  const frame = { t: 'message', message: { conversationId: '', seq: 0, ciphertext: '' } };
  frame.message.ciphertext = 'x'.repeat(frameBytes - JSON.stringify(frame).length);
  return JSON.stringify(frame);
}

const told = ({ rates, ...bytes }: Measured) =>
  [
    ...[...rates].map(([shape, rate]) => `${shape} ${Math.round(rate / 1000)}k/s`),
    `${Math.round(bytes.idleBytesPerConnection)} bytes idle, ${Math.round(bytes.bytesPerConnection)} after load`,
    `${Math.round(bytes.garbageBytesPerConnection)} with its garbage`,
  ].join(', ');

function rowsOf(results: ReadonlyMap<ServerName, Measured[]>): Row[] {
  const rate = (name: ServerName, shape: Shape) =>
    median((results.get(name) ?? []).map((one) => one.rates.get(shape) ?? 0));
  const bytes = (name: ServerName) => median((results.get(name) ?? []).map((one) => one.bytesPerConnection));
  const garbage = median((results.get('own') ?? []).map((one) => one.garbageBytesPerConnection));
  /** Of the same round: the rounds' weather differs. */
  const ratio = (shape: Shape, to: Shape = shape) =>
    rounded(
      median(
        (results.get('own') ?? []).map((one, round) => {
          const bare = results.get('bare-uws')?.[round]?.rates.get(to) ?? 0;
          return (one.rates.get(shape) ?? 0) / bare;
        }),
      ),
      2,
    );
  const aim = (name: string, value: number, aim: number): Row => ({
    ...{ name, value, unit: '', aim, better: 'higher' },
  });
  return [
    {
      ...{ name: 'memory_per_connection_bytes', value: Math.round(bytes('own')), unit: 'B' },
      ...{ aim: 2_000, better: 'lower' },
    },
    {
      ...{ name: 'memory_with_garbage_per_connection_bytes', value: Math.round(garbage), unit: 'B' },
      better: 'lower',
    },
    aim('relay_ratio_to_uws', ratio('relay'), 0.85),
    aim('fanout_10_ratio_to_uws', ratio('fanout_10'), 0.85),
    aim('fanout_1000_ratio_to_uws', ratio('fanout_1000'), 0.85),
    aim('broadcast_ratio_to_publish', ratio('broadcast', 'publish'), 0.85),
    aim('burst_ratio_to_send_loop', ratio('burst'), 8),
    ...peers.flatMap((name): Row[] => {
      const prefix = name.replaceAll('-', '_');
      return [
        ...shapes
          .filter((shape) => rate(name, shape) > 0)
          .map(
            (shape): Row => ({
              ...{ name: `${prefix}_${shape}_per_s`, value: Math.round(rate(name, shape)), unit: '/s' },
              better: 'higher',
            }),
          ),
        {
          ...{ name: `${prefix}_bytes_per_connection`, value: Math.round(bytes(name)), unit: 'B' },
          better: 'lower',
        },
      ];
    }),
  ];
}
