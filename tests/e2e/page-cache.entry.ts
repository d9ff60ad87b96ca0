import { AparteDb } from '../../lib/client/db';
import { borrowKey } from '../../lib/client/key-ring';

const openKey = async () => {
  const key = await borrowKey('cache');
  if (!key) throw new Error('the app is locked');
  return key;
};

/** Runs in a page, beside the app: its database, opened with its key. */
window.cache = new AparteDb(openKey);

declare global {
  interface Window {
    cache: AparteDb;
  }
}
