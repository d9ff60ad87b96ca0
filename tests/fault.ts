import type { DBCore, DBCoreMutateRequest } from 'dexie';
import type { AparteDb } from '../lib/client/db';

/** A storage that refuses to be written, or to be used at all, until it is mended. @param all deletions as well */
export function fault(db: AparteDb, name: string, all = false) {
  const state = { on: true };
  const refuse = () => Promise.reject(new DOMException('made by the test', name));
  db.use({
    stack: 'dbcore',
    name: 'fault',
    create: (core: DBCore): DBCore => ({
      ...core,
      table: (table) => {
        const real = core.table(table);
        return {
          ...real,
          mutate: (request: DBCoreMutateRequest) =>
            state.on && (all || request.type !== 'delete') ? refuse() : real.mutate(request),
        };
      },
    }),
  });
  // It takes effect when the database is opened the next time.
  db.close({ disableAutoOpen: false });
  return {
    mend: () => {
      state.on = false;
    },
  };
}
