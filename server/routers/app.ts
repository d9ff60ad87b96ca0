import { syncState } from '../../lib/protocol/accounts';
import { state } from '../sync/state';
import { accountsRouter } from './accounts';
import { attachmentsRouter } from './attachments';
import { deviceProcedure, router } from './context';
import { conversationsRouter } from './conversations';
import { devicesRouter } from './devices';
import { backupRouter, linkingRouter, recoveryRouter } from './linking';
import { envelopesRouter, messagesRouter } from './messages';
import { pushRouter } from './push';

export const appRouter = router({
  accounts: accountsRouter,
  attachments: attachmentsRouter,
  devices: devicesRouter,
  linking: linkingRouter,
  backup: backupRouter,
  recovery: recoveryRouter,
  conversations: conversationsRouter,
  messages: messagesRouter,
  envelopes: envelopesRouter,
  push: pushRouter,
  sync: router({
    state: deviceProcedure
      .input(syncState)
      .query(({ ctx, input }) => state(ctx.ground, ctx.asker, input.marksSince)),
  }),
});
export type AppRouter = typeof appRouter;
