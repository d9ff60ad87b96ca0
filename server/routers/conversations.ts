import * as z from 'zod';
import {
  addMembers,
  conversationRef,
  createConversation,
  removeMember,
  setRole,
} from '../../lib/protocol/conversations';
import { id } from '../../lib/protocol/ids';
import { limits } from '../../lib/protocol/limits';
import * as conversations from '../conversations/conversations';
import { readConversations } from '../conversations/read';
import { deviceProcedure, router } from './context';

const byIds = z.strictObject({ conversationIds: z.array(id).max(limits.usersPerRequest) });

export const conversationsRouter = router({
  create: deviceProcedure
    .input(createConversation)
    .mutation(({ ctx, input }) => conversations.create(ctx.ground, ctx.asker, input)),
  get: deviceProcedure
    .input(byIds)
    .query(({ ctx, input }) => readConversations(ctx.ground.db, ctx.asker.userId, input.conversationIds)),
  addMembers: deviceProcedure
    .input(addMembers)
    .mutation(({ ctx, input }) =>
      conversations.addMembers(ctx.ground, ctx.asker, input.conversationId, input.userIds),
    ),
  removeMember: deviceProcedure
    .input(removeMember)
    .mutation(({ ctx, input }) =>
      conversations.removeMember(ctx.ground, ctx.asker, input.conversationId, input.userId),
    ),
  setRole: deviceProcedure
    .input(setRole)
    .mutation(({ ctx, input }) =>
      conversations.setRole(ctx.ground, ctx.asker, input.conversationId, input.userId, input.role),
    ),
  leave: deviceProcedure
    .input(conversationRef)
    .mutation(({ ctx, input }) => conversations.leave(ctx.ground, ctx.asker, input.conversationId)),
  accept: deviceProcedure
    .input(conversationRef)
    .mutation(({ ctx, input }) => conversations.accept(ctx.ground, ctx.asker, input.conversationId)),
  block: deviceProcedure
    .input(conversationRef)
    .mutation(({ ctx, input }) => conversations.block(ctx.ground, ctx.asker, input.conversationId)),
});
