import { setTimeout as wait } from 'node:timers/promises';
import { dice } from './dice';
import { LeanDevice, leanGroup } from './lean-device';
import type { NodeProcess } from './node-process';

export interface TownOptions {
  nodes: readonly NodeProcess[];
  devices: number;
  groups: number;
  groupSize: number;
  seed: number;
}

/** Lean devices spread over nodes, in groups that overlap, who write to each other. */
export class LeanTown {
  readonly #acknowledged = new Map<string, string[]>();
  readonly #sending = new Set<Promise<void>>();
  #loading = false;
  #load: Promise<void> | undefined;

  private constructor(
    readonly devices: readonly LeanDevice[],
    private readonly groups: ReadonlyMap<string, readonly LeanDevice[]>,
    private readonly roll: () => number,
  ) {}

  static async build({ nodes, devices: count, groups: groupCount, groupSize, seed }: TownOptions) {
    const roll = dice(seed);
    const origins = nodes.map((node) => node.origin);
    const devices: LeanDevice[] = [];
    for (let index = 0; index < count; index++) {
      const device = new LeanDevice(origins, index, origins[0]);
      await device.signUp();
      devices.push(device);
    }
    const groups = new Map<string, readonly LeanDevice[]>();
    for (let index = 0; index < groupCount; index++) {
      const left = [...devices];
      const members = Array.from({ length: groupSize }, () =>
        left.splice(Math.floor(roll() * left.length), 1),
      ).flat();
      groups.set(await leanGroup(members), members);
    }
    for (const device of devices) device.start();
    for (const device of devices) await device.until(() => device.state.name === 'online');
    return new LeanTown(devices, groups, roll);
  }

  /** Begins to write so many messages a second, whether or not the earlier ones are answered. */
  start(perSecond: number): void {
    this.#loading = true;
    const conversations = [...this.groups];
    const run = async () => {
      const startedAt = performance.now();
      for (let count = 0; this.#loading; ) {
        const due = Math.floor(((performance.now() - startedAt) / 1_000) * perSecond);
        for (; count < due; count++) {
          const [conversationId, members] =
            conversations[Math.floor(this.roll() * conversations.length)] ?? [];
          const sender = members?.[Math.floor(this.roll() * members.length)];
          if (conversationId !== undefined && sender !== undefined) this.#send(sender, conversationId);
        }
        await wait(5);
      }
    };
    this.#load = run();
  }

  /** Writes no more, and resolves when all that was written is acknowledged. */
  async stop(): Promise<void> {
    this.#loading = false;
    await this.#load;
    await Promise.all(this.#sending);
  }

  #send(sender: LeanDevice, conversationId: string): void {
    const sending = sender.send(conversationId).then((clientId) => {
      const list = this.#acknowledged.get(conversationId) ?? [];
      list.push(clientId);
      this.#acknowledged.set(conversationId, list);
      this.#sending.delete(sending);
    });
    this.#sending.add(sending);
  }

  get acknowledged(): number {
    return [...this.#acknowledged.values()].reduce((sum, list) => sum + list.length, 0);
  }

  /** Resolves when every device has as much as was acknowledged. */
  async settled(): Promise<void> {
    for (const [conversationId, members] of this.groups)
      for (const device of members)
        await device.until(
          () =>
            (device.held.get(conversationId)?.clientIds.length ?? 0) >=
            (this.#acknowledged.get(conversationId)?.length ?? 0),
        );
  }

  /** What is wrong with what the devices hold; empty when each has everything once, in one order. */
  faults(): string[] {
    const faults: string[] = [];
    for (const [conversationId, members] of this.groups) {
      const acknowledged = this.#acknowledged.get(conversationId) ?? [];
      const [first] = members.map((device) => device.held.get(conversationId)?.clientIds ?? []);
      for (const device of members) {
        const got = device.held.get(conversationId)?.clientIds ?? [];
        const have = new Set(got);
        const lost = acknowledged.filter((clientId) => !have.has(clientId)).length;
        if (lost > 0) faults.push(`${lost} lost`);
        if (have.size < got.length) faults.push(`${got.length - have.size} twice`);
        if (got.join() !== first?.join()) faults.push('another order');
      }
    }
    return faults;
  }

  /** Latencies in ms, sorted, of what arrived within a span, from some devices to each other. */
  latencies(from: number, to: number, devices: readonly LeanDevice[] = this.devices): number[] {
    const senders = new Set(devices.map((device) => device.deviceId));
    return devices
      .flatMap((device) => device.latencies)
      .filter((one) => one.at >= from && one.at < to && senders.has(one.from))
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
  }

  /** How long after a moment the last message arrived that was written before it. */
  lastGapMs(moment: number): number {
    const late = this.devices.flatMap((device) =>
      device.latencies.filter(({ at, ms }) => at - ms < moment && at > moment).map(({ at }) => at - moment),
    );
    return late.reduce((most, ms) => Math.max(most, ms), 0);
  }

  close(): void {
    for (const device of this.devices) device.stop();
  }
}
