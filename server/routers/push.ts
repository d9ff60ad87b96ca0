import { pushSubscription } from '../../lib/protocol/push';
import { pushKeys } from '../push/keys';
import { subscribe, unsubscribe } from '../push/subscriptions';
import { deviceProcedure, router } from './context';

export const pushRouter = router({
  /** The key that a browser must be given to subscribe. */
  key: deviceProcedure.query(async ({ ctx }) => ({ publicKey: (await pushKeys(ctx.ground.db)).publicKey })),
  subscribe: deviceProcedure
    .input(pushSubscription)
    .mutation(({ ctx, input }) => subscribe(ctx.ground, ctx.asker, input, ctx.pushEndpoints)),
  unsubscribe: deviceProcedure.mutation(({ ctx }) => unsubscribe(ctx.ground, ctx.asker)),
});
