import type { CryptoMachine } from '../crypto/types';
import type { Environment } from './environment';
import { snapshotOf, takeSnapshot } from './snapshot';

type Place = Pick<Environment, 'db' | 'api' | 'newId'>;

/** Puts what the account knows beside the key backup, for a device that comes later. @param name of its owner */
export async function storeState(
  { db, api, newId }: Place,
  machine: CryptoMachine,
  name: string,
): Promise<void> {
  const page = await machine.sealState(newId(), await snapshotOf(db, name));
  if (page !== null) await api.backup.storeState.mutate({ page });
}

/** Takes it over, on a device that has just joined. @returns the owner's name, if it is known */
export async function takeState({ db, api }: Place, machine: CryptoMachine): Promise<string | null> {
  const { page } = await api.backup.state.query();
  return takeSnapshot(db, page === null ? null : await machine.openState(page));
}
