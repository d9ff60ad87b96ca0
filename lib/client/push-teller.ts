import { errors } from '../protocol/errors';
import { failureOf } from './api';
import type { Work } from './work';

/** Tells the server where this browser is woken, once it is online. */
export async function tellPush({ environment, online }: Work): Promise<void> {
  const { db, api } = environment;
  while (online()) {
    const push = await db.readMeta('push');
    if (!push || push.told) return;
    const { wanted } = push;
    try {
      if (wanted) await api.push.subscribe.mutate(wanted);
      else await api.push.unsubscribe.mutate();
    } catch (error) {
      const code = failureOf(error);
      if (code === 'offline' || errors[code].retry) throw error;
      // Refused for good: the same would be refused again.
      environment.log(`push: ${code}`);
    }
    await db.transaction('rw', db.meta, async () => {
      const now = await db.readMeta('push');
      // Another wish may have come while this one was told.
      if (JSON.stringify(now?.wanted) === JSON.stringify(wanted))
        await db.writeMeta('push', { wanted, told: true });
    });
  }
}
