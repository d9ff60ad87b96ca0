import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Broker, type Delivery, type LocalNode, lookFrame, usersOf } from './broker';
import { createMemoryBroker } from './broker-memory';
import { createRedisBroker } from './broker-redis';
import { freePort } from './http/free-port';
import { createMetrics } from './metrics/metrics';
import { Session, type Socket } from './session';

const deaf: Socket = { send: () => 1, ping: () => 1, cork: (call) => call(), end: () => undefined };
let numbers = 0;

/** A node that writes down what it is given, and lets a test wait for it. */
class TestNode implements LocalNode {
  readonly received: Delivery[] = [];
  readonly #sessions: Session[] = [];
  #wake: (() => void)[] = [];

  get size() {
    return this.#sessions.length;
  }
  deliver(delivery: Delivery) {
    this.received.push(delivery);
    for (const wake of this.#wake.splice(0)) wake();
  }
  sessions() {
    return this.#sessions;
  }
  sessionsOf(userId: string) {
    return this.#sessions.filter((session) => session.userId === userId);
  }
  /** A device connects, as it does to a hub. */
  connect(broker: Broker, userId: string, deviceId = `${userId} phone`) {
    const session = new Session(deaf, userId, deviceId, ++numbers, 0);
    this.#sessions.push(session);
    broker.connected(session);
    return session;
  }
  disconnect(broker: Broker, session: Session) {
    session.open = false;
    this.#sessions.splice(this.#sessions.indexOf(session), 1);
    broker.disconnected(session);
  }
  texts(userId: string) {
    return this.received
      .filter((one) => usersOf(one).includes(userId))
      .map((one) => (one.kind === 'close' ? one.code : one.frame));
  }
  async until(found: () => boolean) {
    while (!found()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

const frame = (text: string, userIds = ['u']): Delivery => ({
  kind: 'frames',
  userIds,
  frame: text,
  exceptDeviceId: 'd',
  before: [{ deviceId: 'u phone', frame: 'first' }],
  times: null,
});
const everyKind: Delivery[] = [
  frame('{"t":"pong"}'),
  { kind: 'device', userId: 'u', deviceId: 'u phone', frame: '{}' },
  { kind: 'close', userId: 'u', deviceId: 'u phone', code: 'replaced', connection: 5 },
];

class TestRedis {
  #process: ChildProcess | undefined;
  constructor(readonly port: number) {}
  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }
  async start() {
    const redis = spawn('redis-server', ['--port', String(this.port), '--save', '', '--appendonly', 'no']);
    this.#process = redis;
    await new Promise<void>((resolve, reject) => {
      redis.once('error', reject);
      redis.stdout?.on('data', (chunk) => String(chunk).includes('Ready to accept') && resolve());
    });
  }
  /** It keeps its connections, and answers nothing. */
  hang() {
    this.#process?.kill('SIGSTOP');
  }
  goOn() {
    this.#process?.kill('SIGCONT');
  }
  async stop() {
    const redis = this.#process;
    await new Promise<void>((resolve) => {
      redis?.once('exit', () => resolve());
      redis?.kill('SIGKILL');
    });
  }
}

let redis: TestRedis;
beforeAll(async () => {
  redis = new TestRedis(await freePort());
  await redis.start();
});
afterAll(() => redis.stop());

const redisBroker = (
  node: LocalNode,
  revoked: string[] = [],
  onError: (error: Error) => void = () => undefined,
) =>
  createRedisBroker({
    url: redis.url,
    node,
    revokedAmong: async (deviceIds) => deviceIds.filter((deviceId) => revoked.includes(deviceId)),
    onError,
    metrics: createMetrics(),
  });
const brokers = {
  memory: async (node: LocalNode): Promise<Broker> => createMemoryBroker(node),
  redis: redisBroker,
};

/** Looks at the table of sessions until a user is there, or is there no more. */
async function registered(broker: Broker, userId: string, devices: number) {
  for (;;) {
    const found = await broker.sessionsOf([userId]);
    if (found.length === devices) return found;
    // A turn of the loop, so that a test that fails can end.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What is published from now on reaches a user on another node, or lets it look. */
async function goesOn(from: Broker, there: TestNode, userId: string) {
  const heard = there.texts(userId).length;
  from.publish(frame('again', [userId]));
  const later = () => there.texts(userId).slice(heard);
  await there.until(() => later().some((text) => text === 'again' || text === lookFrame));
}

describe.each(['memory', 'redis'] as const)('the %s broker', (kind) => {
  test('gives its own node every kind of delivery, unchanged, in order and once', async () => {
    const node = new TestNode();
    const broker = await brokers[kind](node);
    for (const one of everyKind) broker.publish(one);
    for (let n = 0; n < 100; n++) broker.publish(frame(String(n)));
    expect(node.received).toEqual([...everyKind, ...Array.from({ length: 100 }, (_, n) => frame(String(n)))]);
    await broker.close();
  });

  test('delivers nothing after it is closed', async () => {
    const node = new TestNode();
    const broker = await brokers[kind](node);
    await broker.close();
    broker.publish(frame('late'));
    expect(node.received).toEqual([]);
  });

  test('lists the connected devices of users, until they go', async () => {
    const node = new TestNode();
    const broker = await brokers[kind](node);
    const phone = node.connect(broker, `${kind} lister`, 'phone');
    node.connect(broker, `${kind} lister`, 'laptop');
    const found = await registered(broker, `${kind} lister`, 2);
    expect(found.map(({ deviceId }) => deviceId).sort()).toEqual(['laptop', 'phone']);
    node.disconnect(broker, phone);
    expect(await registered(broker, `${kind} lister`, 1)).toMatchObject([{ deviceId: 'laptop' }]);
    expect(await broker.sessionsOf(['nobody'])).toEqual([]);
    await broker.close();
  });
});

/** Two nodes on one Redis, both known to each other. */
async function twoNodes() {
  const [here, there] = [new TestNode(), new TestNode()];
  const [one, two] = [await redisBroker(here), await redisBroker(there)];
  return {
    here,
    there,
    one,
    two,
    async close() {
      await Promise.all([one.close(), two.close()]);
    },
  };
}

describe('redis brokers of several nodes', () => {
  test('carry deliveries to the node where a recipient is, in order and once, and to no other', async () => {
    const { here, there, one, two, close } = await twoNodes();
    there.connect(two, 'u');
    here.connect(one, 'v');
    await registered(one, 'u', 1);
    for (const delivery of everyKind.slice(0, 2)) one.publish(delivery);
    for (let n = 0; n < 100; n++) one.publish(frame(String(n), ['u', 'v', 'w']));
    await there.until(() => there.texts('u').includes('99'));
    const expected = [
      ...everyKind.slice(0, 2),
      ...Array.from({ length: 100 }, (_, n) => frame(String(n), ['u'])),
    ];
    expect(there.received.filter((delivery) => 'frame' in delivery && delivery.frame !== lookFrame)).toEqual(
      expected,
    );
    const before = there.received.length;
    for (let n = 0; n < 10; n++) one.publish(frame('not for there', ['v']));
    one.publish(frame('end'));
    await there.until(() => there.texts('u').includes('end'));
    expect(there.received).toHaveLength(before + 1);
    await close();
  });

  test('tell everyone who is shut out, whatever they know of where', async () => {
    const { there, one, close } = await twoNodes();
    one.publish({ kind: 'close', userId: 'x', deviceId: 'y', code: 'device_revoked', connection: null });
    await there.until(() => there.texts('x').includes('device_revoked'));
    await close();
  });

  test('find a device that has moved, and let it look if something was routed past it', async () => {
    const { here, there, one, two, close } = await twoNodes();
    // Routed while the device was nowhere: that is remembered.
    one.publish(frame('early', ['m']));
    await registered(one, 'm', 0);
    const session = there.connect(two, 'm');
    await there.until(() => there.texts('m').includes(lookFrame));
    one.publish(frame('now', ['m']));
    await there.until(() => there.texts('m').includes('now'));
    there.disconnect(two, session);
    here.connect(one, 'm');
    two.publish(frame('back', ['m']));
    await here.until(() => here.texts('m').includes('back') || here.texts('m').includes(lookFrame));
    await close();
  });

  test('close the older connection of a device on another node, and not the newer', async () => {
    const { here, there, one, two, close } = await twoNodes();
    const older = here.connect(one, 'r');
    await registered(one, 'r', 1);
    there.connect(two, 'r');
    await here.until(() => here.received.some((delivery) => delivery.kind === 'close'));
    expect(here.received).toEqual([
      { kind: 'close', userId: 'r', deviceId: 'r phone', code: 'replaced', connection: older.number },
    ]);
    // The older one leaves only now: the newer stays in the table.
    here.disconnect(one, older);
    one.publish(frame('after', ['r']));
    await there.until(() => there.texts('r').includes('after'));
    await close();
  });

  test('serve their own while Redis is away, and afterwards let those look who missed something', async () => {
    const { here, there, one, two, close } = await twoNodes();
    here.connect(one, 'a');
    there.connect(two, 'b');
    there.connect(two, 'c');
    await registered(one, 'b', 1);
    await registered(one, 'c', 1);
    one.publish(frame('before', ['a', 'b']));
    await there.until(() => there.texts('b').includes('before'));
    await redis.stop();
    one.publish(frame('meanwhile', ['a', 'b']));
    expect(here.texts('a')).toEqual(['before', 'meanwhile']);
    await redis.start();
    await there.until(() => there.texts('b').includes(lookFrame));
    one.publish(frame('again', ['a', 'b']));
    await there.until(() => there.texts('b').includes('again') || there.texts('b').length > 3);
    expect(there.texts('b')).not.toContain('meanwhile');
    expect(here.texts('a')).not.toContain(lookFrame);
    await close();
  });

  test('let go of a Redis that hangs, and let those look whose deliveries it kept', async () => {
    const [here, there] = [new TestNode(), new TestNode()];
    let told: () => void = () => undefined;
    const letGo = new Promise<void>((resolve) => {
      told = resolve;
    });
    const one = await redisBroker(here, [], ({ message }) => message === 'Redis does not answer.' && told());
    const two = await redisBroker(there);
    there.connect(two, 'h');
    await registered(one, 'h', 1);
    one.publish(frame('before', ['h']));
    await there.until(() => there.texts('h').includes('before'));
    redis.hang();
    one.publish(frame('kept', ['h']));
    await letGo.finally(() => redis.goOn());
    await there.until(() => there.texts('h').some((text) => text === lookFrame || text === 'kept'));
    await goesOn(one, there, 'h');
    await one.close();
    await two.close();
  });

  test('give up what they asked of a Redis that dies before it answers, and go on when it is back', async () => {
    const { there, one, two, close } = await twoNodes();
    there.connect(two, 'x');
    await registered(one, 'x', 1);
    one.publish(frame('before', ['x']));
    await there.until(() => there.texts('x').includes('before'));
    redis.hang();
    one.publish(frame('kept', ['x']));
    const asked = one.sessionsOf(['x', 'nobody']);
    // The parcel leaves at the end of this turn.
    await new Promise((resolve) => setImmediate(resolve));
    await redis.stop();
    await asked;
    await redis.start();
    await there.until(() => there.texts('x').includes(lookFrame));
    await goesOn(one, there, 'x');
    await close();
  });

  test('enter a device that Redis has refused as soon as it takes it', async () => {
    const [here, there] = [new TestNode(), new TestNode()];
    let told: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => {
      told = resolve;
    });
    const one = await redisBroker(here);
    const two = await redisBroker(there, [], ({ message }) => message.includes('OOM') && told());
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.url);
    await admin.config('SET', 'maxmemory', '1');
    there.connect(two, 'm');
    await refused.finally(() => admin.config('SET', 'maxmemory', '0'));
    await registered(one, 'm', 1);
    admin.disconnect();
    await one.close();
    await two.close();
  });

  test('notice that a subscriber was killed, and let those look whose deliveries it missed', async () => {
    const { there, one, two, close } = await twoNodes();
    there.connect(two, 'k');
    await registered(one, 'k', 1);
    one.publish(frame('before', ['k']));
    await there.until(() => there.texts('k').includes('before'));
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.url);
    await admin.client('KILL', 'TYPE', 'PUBSUB');
    one.publish(frame('missed', ['k']));
    await there.until(() => there.texts('k').some((text) => text === lookFrame || text === 'missed'));
    admin.disconnect();
    await close();
  });

  test('shut a device out whose revocation was told while Redis was away', async () => {
    const revoked: string[] = [];
    const node = new TestNode();
    const broker = await redisBroker(node, revoked);
    node.connect(broker, 's');
    await registered(broker, 's', 1);
    await redis.stop();
    revoked.push('s phone');
    await redis.start();
    await node.until(() => node.texts('s').includes('device_revoked'));
    await broker.close();
  });
});
