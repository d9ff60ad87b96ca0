'use client';

import { useLiveQuery } from 'dexie-react-hooks';
import { installOffer } from '../../lib/client/install-intents';
import * as queries from '../../lib/client/queries';
import { recoveryReminder } from '../../lib/client/recovery-intents';
import { refusals, waitingChanges, waitingTargets } from '../../lib/client/refusal-intents';
import { db } from './author';

/** Live reads of the database. `undefined` until the first answer. */
export const useSession = () => useLiveQuery(() => queries.session(db), []);
export const useConnection = () => useLiveQuery(() => queries.connection(db), []);
export const useLink = () => useLiveQuery(() => queries.link(db), []);
export const useDevices = () => useLiveQuery(() => db.readMeta('devices'), []);
export const useDeviceNews = () => useLiveQuery(() => db.readMeta('deviceNews'), []);
export const useRemovals = () => useLiveQuery(() => db.removals.toArray(), []);
export const useRecovery = () => useLiveQuery(() => db.readMeta('recovery'), []);
export const useRecoveryReminder = () => useLiveQuery(() => recoveryReminder(db, Date.now()), []);
export const useRecovered = () => useLiveQuery(() => db.readMeta('recovered'), []);
export const useLies = () => useLiveQuery(() => db.readMeta('lies'), []);
export const useChangedIdentities = () =>
  useLiveQuery(() => db.identities.filter((row) => row.changedTo !== null).toArray(), []);
export const useLost = () => useLiveQuery(() => db.readMeta('lost'), []);
export const useMended = () => useLiveQuery(() => db.readMeta('mended'), []);
export const useInstallOffer = () => useLiveQuery(() => installOffer(db, Date.now()), []);
export const useHistory = () => useLiveQuery(() => db.readMeta('history'), []);
export const useAutoLockMinutes = () => useLiveQuery(() => db.readMeta('autoLockMinutes'), []);
/** Changes whenever something new can be found. */
export const useSearchStamp = () => useLiveQuery(() => queries.searchStamp(db), []);
export const usePresences = () => useLiveQuery(() => queries.presences(db), []);
export const useFiguresShared = () => useLiveQuery(() => queries.figuresShared(db), []);
export const usePresenceShown = () => useLiveQuery(() => queries.presenceShown(db), []);
export const useAlertSettings = () => useLiveQuery(() => queries.alertSettings(db), []);
export const useAlertsPutOff = () =>
  useLiveQuery(async () => (await db.readMeta('alertsPutOff')) ?? false, []);

/**
 * A live read of something that has an id. Dexie's hook still returns what it read before while the next is on its
 * way, and what belongs to one conversation must never be shown, nor written, under the name of another.
 */
export function useLiveOf<T>(id: string, read: () => Promise<T>, rest: unknown[] = []): T | undefined {
  const result = useLiveQuery(async () => ({ id, value: await read() }), [id, ...rest]);
  return result?.id === id ? result.value : undefined;
}

/** `null`: not on this device. */
export const useConversation = (id: string) =>
  useLiveOf(id, async () => (await queries.conversation(db, id)) ?? null);
export const useMessage = (id: string) => useLiveOf(id, () => queries.message(db, id));
export const useActivity = (id: string) => useLiveOf(id, () => queries.activity(db, id));
export const useRefusals = (id: string) => useLiveOf(id, () => refusals(db, id));
export const useWaitingChanges = (id: string) => useLiveOf(id, () => waitingChanges(db, id));
export const useMayCancel = (id: string) => useLiveOf(id, () => queries.mayCancel(db, id));
export const useWaitingTargets = (id: string) => useLiveOf(id, () => waitingTargets(db, id));
/** `null`: nothing is known of them. */
export const useIdentity = (userId: string) =>
  useLiveOf(userId, async () => (await db.identities.get(userId)) ?? null);
