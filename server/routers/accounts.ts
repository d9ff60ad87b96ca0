import * as z from 'zod';
import { signUp } from '../../lib/protocol/accounts';
import { handle, id } from '../../lib/protocol/ids';
import * as accounts from '../accounts/accounts';
import { blockUser, unblockUser } from '../conversations/conversations';
import { deviceProcedure, limit, publicProcedure, router } from './context';

const byHandle = z.strictObject({ handle });
const byUser = z.strictObject({ userId: id });

export const accountsRouter = router({
  signUp: publicProcedure.input(signUp).mutation(async ({ ctx, input }) => {
    limit(ctx.limiters.signUp.take(ctx.ip));
    const { account, token } = await accounts.signUp(ctx.ground, input);
    ctx.setToken(token);
    return account;
  }),
  handleTaken: publicProcedure.input(byHandle).query(({ ctx, input }) => {
    limit(ctx.limiters.find.take(ctx.ip));
    return accounts.handleTaken(ctx.ground, input.handle);
  }),
  /** Whose device the caller's browser is, for one that has lost all else; null: nobody's. */
  device: publicProcedure.query(async ({ ctx }) => {
    limit(ctx.limiters.find.take(ctx.ip));
    return accounts.device(ctx.ground, ctx.token);
  }),
  me: deviceProcedure.query(({ ctx }) => accounts.me(ctx.ground, ctx.asker)),
  find: deviceProcedure.input(byHandle).query(({ ctx, input }) => {
    limit(ctx.limiters.find.take(ctx.asker.deviceId));
    return accounts.find(ctx.ground, input.handle);
  }),
  block: deviceProcedure
    .input(byUser)
    .mutation(({ ctx, input }) => blockUser(ctx.ground, ctx.asker, input.userId)),
  unblock: deviceProcedure
    .input(byUser)
    .mutation(({ ctx, input }) => unblockUser(ctx.ground, ctx.asker, input.userId)),
});
