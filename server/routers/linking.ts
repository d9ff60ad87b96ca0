import {
  openRecovery,
  pullBackup,
  recoverDevice,
  storeAccountState,
  storeBackup,
  storeRecovery,
} from '../../lib/protocol/backup';
import {
  joinRendezvous,
  leaveRendezvous,
  lookUpRendezvous,
  openRendezvous,
  postRendezvous,
  readRendezvous,
} from '../../lib/protocol/linking';
import * as backup from '../backup/key-backup';
import * as rendezvous from '../linking/rendezvous';
import * as recovery from '../recovery/recovery';
import { type Context, deviceProcedure, limit, publicProcedure, router } from './context';

/** Two devices of which one has no account yet: whoever comes is known by the token they made. */
export const linkingRouter = router({
  open: publicProcedure.input(openRendezvous).mutation(({ ctx, input }) => {
    limit(ctx.limiters.linking.take(ctx.ip, 20));
    return rendezvous.open(ctx.ground, input);
  }),
  lookUp: publicProcedure.input(lookUpRendezvous).query(({ ctx, input }) => {
    // Dear, since here a stranger could try names.
    limit(ctx.limiters.linking.take(ctx.ip, 20));
    return rendezvous.lookUp(ctx.ground, input.rendezvousId);
  }),
  join: publicProcedure.input(joinRendezvous).mutation(({ ctx, input }) => {
    limit(ctx.limiters.linking.take(ctx.ip, 20));
    return rendezvous.join(ctx.ground, input);
  }),
  post: publicProcedure.input(postRendezvous).mutation(({ ctx, input }) => {
    limit(ctx.limiters.linking.take(ctx.ip));
    return rendezvous.post(ctx.ground, input);
  }),
  read: publicProcedure.input(readRendezvous).query(({ ctx, input }) => {
    limit(ctx.limiters.linking.take(ctx.ip));
    return rendezvous.read(ctx.ground, input);
  }),
  leave: publicProcedure.input(leaveRendezvous).mutation(({ ctx, input }) => {
    limit(ctx.limiters.linking.take(ctx.ip));
    return rendezvous.leave(ctx.ground, input);
  }),
});

export const backupRouter = router({
  store: deviceProcedure
    .input(storeBackup)
    .mutation(({ ctx, input }) => backup.store(ctx.ground, ctx.asker, input)),
  pull: deviceProcedure
    .input(pullBackup)
    .query(({ ctx, input }) => backup.pull(ctx.ground, ctx.asker, input)),
  storeState: deviceProcedure
    .input(storeAccountState)
    .mutation(({ ctx, input }) => backup.storeState(ctx.ground, ctx.asker, input)),
  state: deviceProcedure.query(({ ctx }) => backup.state(ctx.ground, ctx.asker)),
});

/** Whoever asks without a device brings a secret of 152 bits; the limit is for the database's sake. */
const tryRecovery = (ctx: Context, handle: string) => {
  limit(ctx.limiters.recovery.take(ctx.ip));
  limit(ctx.limiters.recovery.take(`@${handle}`));
};

export const recoveryRouter = router({
  store: deviceProcedure
    .input(storeRecovery)
    .mutation(({ ctx, input }) => recovery.store(ctx.ground, ctx.asker, input)),
  status: deviceProcedure.query(({ ctx }) => recovery.status(ctx.ground, ctx.asker)),
  open: publicProcedure.input(openRecovery).mutation(({ ctx, input }) => {
    tryRecovery(ctx, input.handle);
    return recovery.open(ctx.ground, input);
  }),
  register: publicProcedure.input(recoverDevice).mutation(async ({ ctx, input }) => {
    tryRecovery(ctx, input.handle);
    const { account, token } = await recovery.register(ctx.ground, input);
    ctx.setToken(token);
    return account;
  }),
});
