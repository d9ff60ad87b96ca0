import { failureOf } from './api';
import type { DeviceNews, RemovalRow } from './db';
import type { Work } from './work';

/** Looks whether the account's devices have changed, and notes those that others have linked. @returns whether so */
export async function lookAtDevices(work: Work): Promise<boolean> {
  const { db, api } = work.environment;
  const { devicesVersion: version } = await api.devices.version.query();
  const known = await db.readMeta('devices');
  if (known?.version === version) return false;
  await work.machine.refresh([work.me.userId]);
  const devices = await api.devices.list.query();
  const fresh = devices.filter(
    (device) => known && !known.deviceIds.includes(device.deviceId) && device.linkedBy !== work.me.deviceId,
  );
  await db.transaction('rw', db.meta, async () => {
    const still = new Set(devices.map((device) => device.deviceId));
    const news = ((await db.readMeta('deviceNews')) ?? []).filter((one) => still.has(one.deviceId));
    const told = fresh.map(
      ({ deviceId, name, createdAt }): DeviceNews => ({ deviceId, name, at: createdAt }),
    );
    await db.writeMeta('deviceNews', [...news, ...told]);
    await db.writeMeta('devices', { version, deviceIds: [...still] });
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

/** Shuts out what a person wants shut out, and looks whether those that are have wiped themselves. */
export async function performRemovals(work: Work): Promise<void> {
  for (const row of await work.environment.db.removals.toArray()) {
    if (!work.online()) return;
    await performRemoval(work, row);
  }
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
