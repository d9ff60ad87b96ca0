import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ManualClock } from '../../tests/clock';
import { dice } from '../../tests/dice';
import { testKey } from '../../tests/store-key';
import type { DeviceFrame, PresenceState } from '../protocol/frames';
import { AparteDb } from './db';
import { setTabVisible, visibleEveryMs } from './device-intents';
import { Presence } from './presence';
import { presenceAt } from './queries';

/** A server of the kind that it takes: passes on what is said to all others, or to the one who is named. */
let clock: ManualClock;
let devices: Device[];
let databases = 0;

beforeEach(() => {
  clock = new ManualClock();
  devices = [];
});
afterEach(async () => {
  for (const device of devices) {
    await device.presence.stop();
    device.db.close();
  }
});

class Device {
  readonly db = new AparteDb(testKey, `presence-${databases++}`);
  readonly said: DeviceFrame[] = [];
  readonly presence: Presence;
  online = true;
  shown = true;

  constructor(
    readonly userId: string,
    toldOnlineUntil = 0,
  ) {
    const { db } = this;
    const { now, after } = clock;
    this.presence = new Presence(
      {
        environment: { db, now, after, random: dice(databases), log: (_, error) => expect(error).toBeNull() },
        me: { userId },
        online: () => this.online,
        post: (frame) => this.#post(frame),
      },
      toldOnlineUntil,
    );
    devices.push(this);
  }

  #post(frame: DeviceFrame): boolean {
    if (!this.online || frame.t !== 'presence') return false;
    this.said.push(frame);
    for (const other of devices) {
      if (other === this || !other.online) continue;
      if (frame.toUserId !== null && frame.toUserId !== other.userId) continue;
      other.hear(this.userId, frame.state, { broadcast: frame.toUserId === null });
    }
    return true;
  }

  hear(userId: string, state: PresenceState, given: { broadcast?: boolean; at?: number } = {}): void {
    this.presence.heard({ userId, state, broadcast: true, at: clock.now(), ...given });
  }

  /** Comes up as an engine does: the setting, the connection, then the page. */
  start(tabs: Record<string, number> = lookedAt()): this {
    this.presence.show(this.shown);
    this.presence.renew();
    this.presence.seen(tabs);
    return this;
  }

  async thinks(userId: string) {
    return presenceAt(await this.db.presences.get(userId), clock.now()).state;
  }

  async comesToThink(userId: string, state: string): Promise<void> {
    await vi.waitFor(async () => expect(await this.thinks(userId)).toBe(state), { timeout: 20_000 });
  }

  states(): string[] {
    return this.said.map((frame) => (frame.t === 'presence' ? `${frame.state} ${frame.toUserId}` : ''));
  }
}

const lookedAt = () => ({ tab: Number.POSITIVE_INFINITY });

test('says online when looked at, again while it lasts, and away when it ends', () => {
  const alice = new Device('alice').start();
  expect(alice.states()).toEqual(['online null']);
  clock.pass(44_000);
  expect(alice.said).toHaveLength(1);
  clock.pass(5_000);
  expect(alice.states()).toEqual(['online null', 'online null']);
  alice.presence.seen({});
  expect(alice.states().at(-1)).toBe('away null');
  clock.pass(600_000);
  expect(alice.said).toHaveLength(3);
});

test('one that nobody looks at says nothing at all', () => {
  const alice = new Device('alice').start({});
  clock.pass(600_000);
  expect(alice.said).toEqual([]);
});

test('goes to and fro are told at most every three seconds, and the last state always is', () => {
  const alice = new Device('alice').start();
  for (let time = 0; time < 10; time++) {
    alice.presence.seen({});
    alice.presence.seen(lookedAt());
  }
  alice.presence.seen({});
  expect(alice.states()).toEqual(['online null']);
  clock.pass(3_000);
  expect(alice.states()).toEqual(['online null', 'away null']);
});

test('a tab that was killed without a last word ends at the next renewal, and any tab is enough', () => {
  const alice = new Device('alice').start({ killed: clock.now() + 75_000, other: clock.now() + 120_000 });
  clock.pass(91_000);
  expect(alice.states()).toEqual(['online null', 'online null', 'online null']);
  clock.pass(45_000);
  expect(alice.states().at(-1)).toBe('away null');
});

test('a connection that is back is told anew, and what could not be said is said then', () => {
  const alice = new Device('alice').start();
  clock.pass(5_000);
  alice.online = false;
  alice.presence.seen({});
  clock.pass(10_000);
  alice.online = true;
  alice.presence.renew();
  expect(alice.states()).toEqual(['online null', 'away null']);
  clock.pass(5_000);
  alice.presence.seen(lookedAt());
  clock.pass(5_000);
  alice.presence.renew();
  expect(alice.states().slice(2)).toEqual(['online null', 'online null']);
});

test('an online that is not said again is away after 100 seconds, last seen when last heard', async () => {
  const bob = new Device('bob').start();
  const heardAt = clock.now();
  bob.hear('alice', 'online');
  await bob.comesToThink('alice', 'online');
  clock.pass(99_000);
  expect(await bob.thinks('alice')).toBe('online');
  clock.pass(2_000);
  expect(presenceAt(await bob.db.presences.get('alice'), clock.now())).toEqual({
    state: 'away',
    lastSeenAt: heardAt,
  });
});

test('of two words that overtake each other the later one holds', async () => {
  const bob = new Device('bob').start();
  bob.hear('alice', 'away', { at: clock.now() + 10 });
  bob.hear('alice', 'online', { at: clock.now() });
  bob.hear('carol', 'online');
  await bob.comesToThink('carol', 'online');
  expect(await bob.thinks('alice')).toBe('away');
});

test('a newcomer learns who is there from answers to them alone, within seconds and not all at once', async () => {
  const there: Device[] = [];
  for (const name of ['anna', 'bert', 'carl', 'dora']) {
    const one = new Device(name).start();
    for (const other of there) await other.comesToThink(name, 'online');
    clock.pass(5_000);
    for (const other of there) await one.comesToThink(other.userId, 'online');
    there.push(one);
  }
  const before = there.map((device) => device.said.length);
  const eve = new Device('eve').start();
  for (const device of there) await device.comesToThink('eve', 'online');
  expect(there.map((device) => device.said.length)).toEqual(before);
  clock.pass(2_500);
  const early = there.filter((device) => device.states().includes('online eve')).length;
  expect(early).toBeGreaterThan(0);
  expect(early).toBeLessThan(there.length);
  clock.pass(2_500);
  for (const device of there) {
    await eve.comesToThink(device.userId, 'online');
    expect(device.states().filter((said) => said === 'online eve')).toHaveLength(1);
  }
  // An answer is not answered.
  expect(eve.states()).toEqual(['online null']);
});

test('a renewal is not answered, and a person who comes and goes is answered once in 30 seconds', async () => {
  const bob = new Device('bob').start();
  const answers = () => bob.states().filter((said) => said === 'online alice').length;
  for (let time = 0; time < 5; time++) {
    bob.hear('alice', 'online');
    const stored = async () => expect((await bob.db.presences.get('alice'))?.saidAt).toBe(clock.now());
    await vi.waitFor(stored, { timeout: 20_000 });
    clock.pass(45_000);
  }
  expect(answers()).toBe(1);
  for (let time = 0; time < 3; time++) {
    bob.hear('alice', 'away');
    await bob.comesToThink('alice', 'away');
    bob.hear('alice', 'online');
    await bob.comesToThink('alice', 'online');
    clock.pass(5_000);
  }
  expect(answers()).toBe(2);
});

test('one that nobody looks at answers nobody', async () => {
  const bob = new Device('bob').start({});
  bob.hear('alice', 'online');
  await bob.comesToThink('alice', 'online');
  clock.pass(60_000);
  expect(bob.said).toEqual([]);
});

test('switched off, a device says nothing, answers nothing and notes nothing', async () => {
  const bob = new Device('bob');
  bob.shown = false;
  bob.start();
  bob.hear('alice', 'online');
  bob.presence.renew();
  clock.pass(600_000);
  bob.presence.seen({});
  expect(bob.said).toEqual([]);
  // Switched on, it hears; so what came before was not merely late.
  bob.presence.show(true);
  bob.hear('carol', 'online');
  await bob.comesToThink('carol', 'online');
  expect(await bob.thinks('alice')).toBe('unknown');
});

test('switching off takes back what others believe and forgets what was known of them', async () => {
  const bob = new Device('bob').start();
  bob.hear('alice', 'online');
  await bob.comesToThink('alice', 'online');
  clock.pass(3_000);
  const said = bob.said.length;
  bob.presence.show(false);
  await bob.comesToThink('alice', 'unknown');
  clock.pass(600_000);
  expect(bob.states().slice(said)).toEqual(['away null']);
});

test('what nobody believes any more is not taken back: it would tell of a later time', () => {
  const alice = new Device('alice').start();
  alice.online = false;
  alice.presence.show(false);
  clock.pass(100_000);
  alice.online = true;
  alice.presence.renew();
  expect(alice.states()).toEqual(['online null']);
});

test('an engine takes back what one before it has left others to believe, and notes what it says', async () => {
  const before = new Device('bob').start();
  const left = () => before.db.readMeta('toldOnlineUntil');
  await vi.waitFor(async () => expect(await left()).toBe(clock.now() + 100_000), { timeout: 20_000 });
  const after = new Device('bob', await left());
  after.shown = false;
  expect(after.start().states()).toEqual(['away null']);
  clock.pass(100_000);
  expect(new Device('bob', await left()).start({}).said).toEqual([]);
});

test('when another device of mine goes away, one that is looked at says that I am here', () => {
  const bob = new Device('bob').start();
  clock.pass(5_000);
  bob.hear('bob', 'away');
  expect(bob.states()).toEqual(['online null', 'online null']);
  bob.presence.seen({});
  clock.pass(5_000);
  bob.hear('bob', 'away');
  expect(bob.states().slice(2)).toEqual(['away null']);
});

test('tabs note that they are looked at, one by one, and one that fell silent is dropped', async () => {
  const { db } = new Device('alice');
  const author = { db, now: clock.now, newId: () => '' };
  const tabs = async () => Object.keys((await db.readMeta('visibleTabs')) ?? {});
  await setTabVisible(author, 'killed', true);
  clock.pass(visibleEveryMs);
  await setTabVisible(author, 'one', true);
  expect(await tabs()).toEqual(['killed', 'one']);
  clock.pass(visibleEveryMs * 2);
  await setTabVisible(author, 'two', true);
  expect(await tabs()).toEqual(['one', 'two']);
  await setTabVisible(author, 'one', false);
  expect(await tabs()).toEqual(['two']);
});
