import type { AparteDb, DeviceNews } from './db';
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

/** Somebody has looked: the device is theirs. */
export async function dismissDeviceNews(db: AparteDb, deviceId: string): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const news = (await db.readMeta('deviceNews')) ?? [];
    await db.writeMeta(
      'deviceNews',
      news.filter((one) => one.deviceId !== deviceId),
    );
  });
}
