import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, sendText, startDirect, startGroup } from '../lib/client/intents';
import { noRates } from '../server/limiter';
import { startServer } from '../server/start';
import { TestDevice } from './device';
import { dice } from './dice';
import { type Faults, noFaults } from './network';

const engines = 20;
const directs = 10;
const groups = 6;
/** Timers run this much faster than a person's: more, and two busy cores look like a dead network. */
const haste = 10;
/** No more messages than this wait in all outboxes together. */
const maxQueued = 60;

const faults: Faults = { drop: 0.02, duplicate: 0.05, delay: 0.1, delayMs: 60, cut: 0.004 };

export interface SimulatedPerson {
  name: string;
  userId: string;
  handle: string;
  device: TestDevice;
  running: boolean;
}

export interface SimulatedConversation {
  id: string;
  members: SimulatedPerson[];
  /** The bodies by sender, in the order of writing. */
  written: Map<string, string[]>;
}

export interface Simulated {
  conversations: SimulatedConversation[];
  people: SimulatedPerson[];
  restarts: number;
  close: () => Promise<void>;
}

/**
 * Twenty people write `messages` texts over a bad network, some of them ending and starting again meanwhile; then
 * the network heals, and all comes to rest. What each device has is the caller's to judge.
 */
export async function simulate(seed: number, messages: number): Promise<Simulated> {
  const roll = dice(seed);
  const folder = await mkdtemp(join(tmpdir(), 'aparte-simulation-'));
  const server = await startServer({ port: 0, dataDir: folder, logLevel: 'error', rates: noRates });
  const people: SimulatedPerson[] = [];
  const close = async () => {
    for (const { device } of people) await device.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (let index = 0; index < engines; index++) {
      const device = new TestDevice(() => server.origin, dice(seed * 1000 + index), haste);
      device.start();
      const name = `p${index}`;
      const { userId, handle } = await device.signUp(`${name}s${seed}`);
      people.push({ name, userId, handle, device, running: true });
    }
    for (const { device } of people) device.network.faults = faults;
    const conversations = await openConversations(people, roll);
    const restarts = await write(people, conversations, messages, roll);
    for (const person of people) {
      person.device.network.faults = noFaults;
      if (!person.running) person.device.start();
      person.running = true;
      person.device.hurry();
    }
    await rest(people, conversations);
    return { conversations, people, restarts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openConversations(
  people: SimulatedPerson[],
  roll: () => number,
): Promise<SimulatedConversation[]> {
  const opened = new Map<string, SimulatedConversation>();
  const open = async (members: SimulatedPerson[], kind: 'direct' | 'group') => {
    const [first, ...others] = members;
    const other = others[0];
    if (!first || !other) throw new Error('A conversation needs two.');
    const { author } = first.device;
    const id =
      kind === 'direct' ? await startDirect(author, other) : await startGroup(author, 'Group', others);
    opened.set(id, { id, members, written: new Map() });
  };
  for (let index = 0; index < directs; index++) await open(some(people, 2, roll), 'direct');
  for (let index = 0; index < groups; index++) {
    await open(some(people, 3 + Math.floor(roll() * 4), roll), 'group');
  }
  await open(people, 'group');
  const conversations = [...opened.values()];
  await Promise.all(
    conversations.flatMap(({ id, members }) => members.map((member) => becomeActive(member, id))),
  );
  return conversations;
}

async function becomeActive({ device }: SimulatedPerson, conversationId: string): Promise<void> {
  let asked = false;
  await comes(async () => {
    const row = await device.db.conversations.get(conversationId);
    if (row?.myState === 'requested' && !asked) {
      asked = true;
      await accept(device.author, conversationId);
    }
    return row?.myState === 'active' && row.rosterVersion > 0;
  }, 'an open conversation');
}

/** @returns how often an engine was ended */
async function write(
  people: SimulatedPerson[],
  conversations: SimulatedConversation[],
  messages: number,
  roll: () => number,
): Promise<number> {
  let restarts = 0;
  const turns = Math.max(1, Math.floor(messages / 40));
  for (let index = 0; index < messages; index++) {
    const conversation = pick(conversations, roll);
    const sender = pick(conversation.members, roll);
    const mine = conversation.written.get(sender.userId) ?? [];
    const body = `${sender.name} ${mine.length} of ${index}`;
    conversation.written.set(sender.userId, [...mine, body]);
    await sendText(sender.device.author, conversation.id, body);
    if (index % turns === 0) {
      restarts += await turn(pick(people, roll));
      await turnUp(people, roll);
    }
    if (index % 10 === 0) await drainedTo(people, maxQueued);
  }
  return restarts;
}

/** Ends an engine, or starts it again if it was ended. */
async function turn(person: SimulatedPerson): Promise<number> {
  const { running } = person;
  person.running = !running;
  if (running) await person.device.stop();
  else person.device.start();
  return running ? 1 : 0;
}

/** No more than three are away at a time. */
async function turnUp(people: SimulatedPerson[], roll: () => number): Promise<void> {
  const away = people.filter((person) => !person.running);
  if (away.length > 3) await turn(pick(away, roll));
}

/** Lets the engines work until few messages wait at those that run. */
async function drainedTo(people: SimulatedPerson[], most: number): Promise<void> {
  await comes(async () => {
    const counts = await Promise.all(
      people.filter((person) => person.running).map(({ device }) => device.db.outbox.count()),
    );
    return counts.reduce((sum, count) => sum + count, 0) <= most;
  }, 'the outboxes');
}

/** Looks every now and then, not as often as it can: twenty engines want the same core. */
async function comes(
  look: () => Promise<boolean>,
  what: string,
  state: () => Promise<unknown> = async () => '',
): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await look())) {
    if (Date.now() > deadline)
      throw new Error(`Waited in vain for ${what}. ${JSON.stringify(await state())}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
  }
}

/** Until nothing waits to be sent, and everyone has read what was written. */
async function rest(people: SimulatedPerson[], conversations: SimulatedConversation[]): Promise<void> {
  await drainedTo(people, 0);
  for (const { id, members } of conversations) {
    const rows = await Promise.all(members.map(({ device }) => device.db.conversations.get(id)));
    const last = Math.max(...rows.map((row) => row?.lastSeq ?? 0));
    for (const { device, name } of members) {
      await comes(
        async () => {
          const row = await device.db.conversations.get(id);
          const sealed = await device.db.sealed.where('conversationId').equals(id).count();
          return (row?.cursor ?? 0) >= last && sealed === 0;
        },
        `${name} to read up to ${last} of ${id}`,
        () => stateOf(device, id, people),
      );
    }
  }
}

function some(people: SimulatedPerson[], count: number, roll: () => number): SimulatedPerson[] {
  const left = [...people];
  return Array.from({ length: count }, () => {
    const one = pick(left, roll);
    left.splice(left.indexOf(one), 1);
    return one;
  });
}

function pick<T>(from: readonly T[], roll: () => number): T {
  const one = from[Math.floor(roll() * from.length)];
  if (one === undefined) throw new Error('There is nothing to pick from.');
  return one;
}

/** What a device holds of a conversation, for the report of a failure. */
async function stateOf(device: TestDevice, conversationId: string, people: SimulatedPerson[]) {
  const row = await device.db.conversations.get(conversationId);
  const sealed = await device.db.sealed.where('conversationId').equals(conversationId).toArray();
  return {
    cursor: row?.cursor,
    lastSeq: row?.lastSeq,
    roster: row?.rosterVersion,
    sealed: sealed
      .map(({ seq, senderDeviceId, ciphertext }) => ({ seq, senderDeviceId, ciphertext }))
      .slice(0, 3),
    sealedCount: sealed.length,
    connection: await device.db.readMeta('connection'),
    outbox: await device.db.outbox.count(),
    log: device.log.slice(-20),
    others: people.map((person) => [
      person.name,
      person.device.log.filter((line) => !line.startsWith('intake')),
    ]),
  };
}
