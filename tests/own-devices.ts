import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, startDirect } from '../lib/client/intents';
import { confirmLink, enterLinkCode, showLinkCode } from '../lib/client/link-intents';
import type { LinkState } from '../lib/client/link-state';
import { noRates } from '../server/limiter';
import { type RunningServer, startServer } from '../server/start';
import { dataFolder } from './data-folder';
import { TestDevice } from './device';
import { dice } from './dice';

/** Waits until a linking has come to a step. @throws when it fails before */
export function linkStep<S extends LinkState['step']>(device: TestDevice, wanted: S) {
  return device.until(async () => {
    const link = await device.db.readMeta('link');
    if (link?.step === wanted) return link as Extract<LinkState, { step: S }>;
    if (link?.step === 'failed' && wanted !== 'failed')
      throw new Error(`failed: ${link.reason} ${device.log}`);
    return undefined;
  }, wanted);
}

/** Links a new device to the account of an old one, as two people with a good eye would. */
export async function linkDevices(old: TestDevice, fresh: TestDevice, name = 'Phone'): Promise<void> {
  await showLinkCode(old.db, { name: 'Old', kind: 'DESKTOP' });
  await enterLinkCode(fresh.db, (await linkStep(old, 'showing')).code, { name, kind: 'MOBILE' });
  const { checkCode } = await linkStep(fresh, 'checking');
  await linkStep(old, 'confirming');
  await confirmLink(old.db, checkCode);
  await linkStep(fresh, 'done');
  await linkStep(old, 'done');
}

/** A server of its own, and people on it who write to each other. */
export class Town {
  readonly devices: TestDevice[] = [];

  private constructor(
    readonly server: RunningServer,
    private readonly folder: string,
  ) {}

  /** @param databaseUrl without it, the embedded one */
  static async open(databaseUrl?: string): Promise<Town> {
    const folder =
      databaseUrl === undefined ? await dataFolder() : await mkdtemp(join(tmpdir(), 'aparte-town-'));
    const options = {
      port: 0,
      dataDir: folder,
      databaseUrl,
      logLevel: 'error' as const,
      rates: noRates,
      pushEndpoints: 'any' as const,
    };
    return new Town(await startServer(options), folder);
  }

  /** @param origin another way to the server, such as through a proxy */
  device(origin = () => this.server.origin): TestDevice {
    const device = new TestDevice(origin, dice(this.devices.length + 1));
    this.devices.push(device);
    device.start();
    return device;
  }

  async person(handle: string, origin?: () => string): Promise<TestDevice> {
    const device = this.device(origin);
    await device.signUp(handle);
    return device;
  }

  async linked(owner: TestDevice, origin?: () => string): Promise<TestDevice> {
    const device = this.device(origin);
    await linkDevices(owner, device);
    return device;
  }

  /** @returns the conversation of two people that both have accepted */
  async contacts(a: TestDevice, b: TestDevice): Promise<string> {
    const session = await b.db.readMeta('session');
    if (session?.state !== 'signed_in') throw new Error('nobody is signed in there');
    const conversationId = await startDirect(a.author, session);
    await b.until(() => b.db.conversations.get(conversationId), 'the request');
    await accept(b.author, conversationId);
    // Whom they add to a group next is a contact only then.
    await b.until(async () => ((await b.db.outbox.count()) === 0 ? true : undefined), 'the acceptance');
    return conversationId;
  }

  /** A town of two who have accepted each other. */
  static async pair() {
    const town = await Town.open();
    const [anna, bert] = [await town.person('anna'), await town.person('bert')];
    return { town, anna, bert, conversationId: await town.contacts(anna, bert) };
  }

  async close(): Promise<void> {
    for (const device of this.devices) await device.close();
    await this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a message with this text can be read. */
export const body = (device: TestDevice, text: string, withinMs?: number) =>
  device.until(() => device.db.messages.filter((row) => row.body === text).first(), text, withinMs);
