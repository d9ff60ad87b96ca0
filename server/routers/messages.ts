import { ackEnvelopes, pullEnvelopes, pullMessages, sendMessage } from '../../lib/protocol/messages';
import { ack, pull as pullWaiting } from '../envelopes/envelopes';
import { pull, send } from '../messages/messages';
import { deviceProcedure, router } from './context';

export const messagesRouter = router({
  send: deviceProcedure.input(sendMessage).mutation(({ ctx, input }) => send(ctx.ground, ctx.asker, input)),
  pull: deviceProcedure.input(pullMessages).query(({ ctx, input }) => pull(ctx.ground, ctx.asker, input)),
});

export const envelopesRouter = router({
  pull: deviceProcedure
    .input(pullEnvelopes)
    .query(({ ctx, input }) => pullWaiting(ctx.ground, ctx.asker, input)),
  ack: deviceProcedure
    .input(ackEnvelopes)
    .mutation(({ ctx, input }) => ack(ctx.ground, ctx.asker, input.ids)),
});
