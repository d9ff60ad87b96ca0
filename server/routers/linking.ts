import { pullBackup, storeBackup } from '../../lib/protocol/backup';
import {
  joinRendezvous,
  leaveRendezvous,
  lookUpRendezvous,
  openRendezvous,
  postRendezvous,
  readRendezvous,
} from '../../lib/protocol/linking';
import { pull, store } from '../backup/key-backup';
import * as rendezvous from '../linking/rendezvous';
import { deviceProcedure, limit, publicProcedure, router } from './context';

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
  store: deviceProcedure.input(storeBackup).mutation(({ ctx, input }) => store(ctx.ground, ctx.asker, input)),
  pull: deviceProcedure.input(pullBackup).query(({ ctx, input }) => pull(ctx.ground, ctx.asker, input)),
});
