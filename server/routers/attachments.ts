import { removeAttachment as removal } from '../../lib/protocol/attachments';
import { removeAttachment } from '../attachments/attachments';
import { deviceProcedure, router } from './context';

/** Bytes go over `/media/`: see `server/http/media.ts`. */
export const attachmentsRouter = router({
  remove: deviceProcedure
    .input(removal)
    .mutation(({ ctx, input }) => removeAttachment(ctx.ground, ctx.asker, input.address)),
});
