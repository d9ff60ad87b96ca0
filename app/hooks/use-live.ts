'use client';

import { useLiveQuery } from 'dexie-react-hooks';
import * as queries from '../../lib/client/queries';
import { db } from './author';

/** Live reads of the database. `undefined` until the first answer. */
export const useSession = () => useLiveQuery(() => queries.session(db), []);
export const useConnection = () => useLiveQuery(() => queries.connection(db), []);
export const useConversations = () => useLiveQuery(() => queries.conversations(db), []);
export const usePeople = () => useLiveQuery(() => queries.people(db), []);
export const useUnreadTotal = () => useLiveQuery(() => queries.unreadTotal(db), []);
/** `null`: not on this device. */
export const useConversation = (id: string) =>
  useLiveQuery(async () => (await queries.conversation(db, id)) ?? null, [id]);
export const useMessages = (id: string, limit: number) =>
  useLiveQuery(() => queries.lastMessages(db, id, limit), [id, limit]);
export const useMessage = (id: string | null) =>
  useLiveQuery(async () => (id ? await queries.message(db, id) : undefined), [id]);
export const useTypists = (id: string) => useLiveQuery(() => queries.typists(db, id), [id]);
