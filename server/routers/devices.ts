import * as z from 'zod';
import { id } from '../../lib/protocol/ids';
import { keyUpload, revocation } from '../../lib/protocol/keys';
import { limits } from '../../lib/protocol/limits';
import { pendingDevice, registerDevice, signDevice } from '../../lib/protocol/linking';
import * as devices from '../devices/devices';
import { claim, upload } from '../devices/pre-keys';
import { link, pending, register, sign } from '../devices/register';
import { deviceProcedure, limit, publicProcedure, router } from './context';

const byDevice = z.strictObject({ deviceId: id });
const rename = z.strictObject({
  deviceId: id,
  name: z.string().trim().min(1).max(limits.deviceNameMaxLength),
});
const byUsers = z.strictObject({ userIds: z.array(id).max(limits.usersPerRequest) });
const byDevices = z.strictObject({
  devices: z.array(z.strictObject({ userId: id, deviceId: id })).max(limits.bundlesPerRequest),
});

export const devicesRouter = router({
  link: deviceProcedure.mutation(({ ctx }) => link(ctx.ground, ctx.asker)),
  register: publicProcedure.input(registerDevice).mutation(async ({ ctx, input }) => {
    limit(ctx.limiters.linking.take(ctx.ip, 20));
    const { account, token } = await register(ctx.ground, input);
    ctx.setToken(token);
    return account;
  }),
  pending: deviceProcedure
    .input(pendingDevice)
    .query(({ ctx, input }) => pending(ctx.ground, ctx.asker, input.deviceId)),
  sign: deviceProcedure.input(signDevice).mutation(({ ctx, input }) => sign(ctx.ground, ctx.asker, input)),
  wiped: publicProcedure.mutation(async ({ ctx }) => {
    limit(ctx.limiters.linking.take(ctx.ip, 20));
    await devices.wiped(ctx.ground, ctx.token);
  }),
  list: deviceProcedure.query(({ ctx }) => devices.list(ctx.ground, ctx.asker)),
  rename: deviceProcedure
    .input(rename)
    .mutation(({ ctx, input }) => devices.rename(ctx.ground, ctx.asker, input.deviceId, input.name)),
  revoke: deviceProcedure
    .input(revocation)
    .mutation(({ ctx, input }) => devices.revoke(ctx.ground, ctx.asker, input)),
  version: deviceProcedure.query(({ ctx }) => devices.version(ctx.ground, ctx.asker)),
  revoked: deviceProcedure
    .input(byDevice)
    .query(({ ctx, input }) => devices.revoked(ctx.ground, ctx.asker, input.deviceId)),
  upload: deviceProcedure.input(keyUpload).mutation(({ ctx, input }) => upload(ctx.ground, ctx.asker, input)),
  keys: deviceProcedure
    .input(byUsers)
    .query(({ ctx, input }) => devices.keysOf(ctx.ground, ctx.asker, input.userIds)),
  bundles: deviceProcedure.input(byDevices).mutation(({ ctx, input }) => {
    limit(ctx.limiters.bundles.take(ctx.asker.deviceId, input.devices.length));
    const { oneTimeKeys, oneTimeKeysOf } = ctx.limiters;
    const { userId } = ctx.asker;
    return claim(
      ctx.ground,
      ctx.asker,
      input.devices,
      (deviceId) => oneTimeKeys.take(`${userId} ${deviceId}`) && oneTimeKeysOf.take(deviceId),
    );
  }),
});
