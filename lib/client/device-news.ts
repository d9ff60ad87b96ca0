import type { AparteDb } from './db';

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
