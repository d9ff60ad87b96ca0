import { failureOf } from './api';
import type { RemovalRow } from './db';
import type { DeviceNews } from './meta';
import type { Work } from './work';

/** More than this nobody reads; the oldest go. */
const newsBound = 20;

/**
 * Looks whether the account's devices have changed, and notes those that others have linked or removed.
 * @returns whether so
 */
export async function lookAtDevices(work: Work): Promise<boolean> {
  const { db, api, now } = work.environment;
  const { devicesVersion: version } = await api.devices.version.query();
  const known = await db.readMeta('devices');
  if (known?.version === version) return false;
  await work.machine.refresh([work.me.userId]);
  const devices = await api.devices.list.query();
  const still = new Set(devices.map((device) => device.deviceId));
  await db.transaction('rw', db.meta, db.removals, async () => {
    const linked = devices
      .filter(({ deviceId }) => known && !known.deviceIds.includes(deviceId))
      .filter(({ linkedBy }) => linkedBy !== work.me.deviceId)
      .map(
        ({ deviceId, name, createdAt }): DeviceNews => ({ event: 'linked', deviceId, name, at: createdAt }),
      );
    const here = new Set(await db.removals.toCollection().primaryKeys());
    const removed = (known?.deviceIds ?? [])
      .filter((deviceId) => !still.has(deviceId) && !here.has(deviceId))
      .map(
        (deviceId): DeviceNews => ({
          event: 'removed',
          deviceId,
          name: known?.names[deviceId] ?? '',
          at: now(),
        }),
      );
    const before = (await db.readMeta('deviceNews')) ?? [];
    const news = before.filter((one) => one.event === 'removed' || still.has(one.deviceId));
    await db.writeMeta('deviceNews', [...news, ...linked, ...removed].slice(-newsBound));
    const names = Object.fromEntries(devices.map(({ deviceId, name }) => [deviceId, name]));
    await db.writeMeta('devices', { version, deviceIds: [...still], names });
  });
  return true;
}

/** Signs that a device is shut out, and tells the server. */
async function revokeDevice({ environment, machine }: Work, deviceId: string): Promise<void> {
  const { api } = environment;
  // The server's time: contacts compare it with that of messages.
  const { at } = await api.devices.version.query();
  const { signature } = await machine.revokeDevice(deviceId, Math.floor(at));
  await api.devices.revoke.mutate({ deviceId, at: Math.floor(at), signature });
}

/**
 * Shuts out what a person wants shut out, and looks whether those that are have wiped themselves. One that fails holds
 * up no other.
 * @throws the first failure, when all were tried; the next call goes on
 */
export async function performRemovals(work: Work): Promise<void> {
  const failures: unknown[] = [];
  for (const row of await work.environment.db.removals.toArray()) {
    if (!work.online()) return;
    await performRemoval(work, row).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function performRemoval(work: Work, { deviceId, state }: RemovalRow): Promise<void> {
  const { db, api } = work.environment;
  try {
    if (state === 'wished') {
      await revokeDevice(work, deviceId);
      await db.removals.update(deviceId, { state: 'removed', at: work.environment.now() });
    } else if (state === 'removed') {
      const { wipedAt } = await api.devices.revoked.query({ deviceId });
      if (wipedAt !== null) await db.removals.update(deviceId, { state: 'wiped', at: wipedAt });
    }
  } catch (error) {
    // It is gone already, or was never one of this account's.
    if (failureOf(error) !== 'not_found') throw error;
    await db.removals.delete(deviceId);
  }
}
