import * as z from 'zod';
import { type CryptoMachine, IdentityMismatch } from '../crypto/types';
import { id } from '../protocol/ids';
import { deviceType, keyUpload, signedDeviceKeys } from '../protocol/keys';
import { limits } from '../protocol/limits';
import { secret } from '../protocol/linking';
import { storeState, takeState } from './account-state';
import { failureOf } from './api';
import { removeDevice } from './device-intents';
import type { Environment } from './environment';
import { recentCiphertexts } from './history';
import { dispatchLink } from './link-intents';
import type { LinkFailure, LinkingDevice, LinkState } from './link-state';
import { LinkError, Rendezvous } from './rendezvous';
import { watch } from './watch';
import { wipeCache } from './wipe-cache';

/** The messages of a linking, in their order: what each side says over the channel. */
const fromNew = {
  device: z.object({
    t: z.literal('device'),
    name: z.string().min(1).max(limits.deviceNameMaxLength),
    kind: deviceType,
  }),
  keys: z.object({ t: z.literal('keys'), deviceKeys: signedDeviceKeys }),
  done: z.object({ t: z.literal('done') }),
};
const fromOld = {
  account: z.object({
    t: z.literal('account'),
    userId: id,
    handle: z.string(),
    name: z.string().max(limits.nameMaxLength),
    grant: secret,
  }),
  signed: z.object({
    t: z.literal('signed'),
    secrets: z.object({ bundle: z.unknown(), masterKey: z.string() }),
    /** Of the newest messages, so that they can be read before the key backup is. */
    recentKeys: z.string().nullable(),
  }),
};
const welcome = z.object({ t: z.literal('welcome') });
const wrongCheck = z.object({ t: z.literal('wrong_check') });

/** A key is about 600 bytes; so many stay below what a rendezvous carries. */
const recentKeysMost = 200;

/** What the old side of a linking needs of the engine. */
export interface Owner {
  machine: CryptoMachine;
  me: { userId: string; deviceId: string; handle: string; name: string };
}

/** A device that has just become one of the account, and its machine, open: with the newest keys still in memory. */
export interface Joined {
  deviceId: string;
  machine: CryptoMachine;
}

/**
 * Carries out a linking that a person has started on this device, to its end. Never rejects: every way out is a state
 * with a sentence.
 * @param owner of the account, on a device that has one; `null` on a new one
 * @param joined is told of the new one before its session is stored; its machine is then whoever hears it's to close
 * @returns whether there is a new link
 */
export async function performLink(
  environment: Environment,
  { code, device }: Extract<LinkState, { step: 'opening' }>,
  owner: Owner | null,
  joined: (joined: Joined) => void,
): Promise<boolean> {
  const { db } = environment;
  const local = followCancel(environment);
  const run = new Run(environment, local.cancelled);
  try {
    const place = await run.meet(code, owner ? 'old' : 'new');
    try {
      await dispatchLink(db, { name: 'met', expiresAt: place.expiresAt });
      const name = owner
        ? await run.admit(place, owner, local.typed)
        : await run.enter(place, device, joined);
      await dispatchLink(db, { name: 'linked', device: name });
      return true;
    } finally {
      await place.leave();
    }
  } catch (error) {
    environment.log('link', error);
    await dispatchLink(db, { name: 'failed', reason: reasonOf(error) });
    return false;
  } finally {
    local.stop();
  }
}

/** Follows what the person does meanwhile: typing the digits, or ending it. */
function followCancel(environment: Environment) {
  let state: LinkState | null = null;
  let told: (() => void)[] = [];
  const stop = watch(
    environment,
    async () => (await environment.db.readMeta('link')) ?? { step: 'idle' as const },
    (now) => {
      state = now;
      for (const tell of told) tell();
    },
  );
  const cancelled = () => state?.step === 'idle' || state?.step === 'failed';
  /** The digits, once typed. @throws LinkError */
  const typed = async (place: Rendezvous): Promise<string> => {
    for (;;) {
      if (cancelled()) throw new LinkError('cancelled');
      if (state?.step === 'confirming' && state.typed !== null) return state.typed;
      const seen = state;
      // The other side may have gone meanwhile.
      await place.expectOpen();
      // What was typed while the answer travelled has told nobody.
      if (state !== seen) continue;
      await new Promise<void>((resolve) => {
        const cancelTimer = environment.after(500, resolve);
        told = [
          () => {
            cancelTimer();
            resolve();
          },
        ];
      });
    }
  };
  return { stop, cancelled, typed };
}

class Run {
  constructor(
    private readonly environment: Environment,
    private readonly cancelled: () => boolean,
  ) {}

  async meet(code: string | null, side: 'old' | 'new'): Promise<Rendezvous> {
    const { environment, cancelled } = this;
    if (code !== null) {
      const place = await Rendezvous.join(environment, side, code, cancelled);
      await this.#hear(place, welcome);
      return place;
    }
    const place = await Rendezvous.show(
      environment,
      side,
      async (shown, expiresAt) => {
        await dispatchLink(environment.db, { name: 'shown', code: shown, expiresAt });
      },
      cancelled,
    );
    await place.send({ t: 'welcome' });
    return place;
  }

  /** The old device: asks its owner, signs the new one, hands over the secrets. @returns the new one's name */
  async admit(
    place: Rendezvous,
    { machine, me }: Owner,
    typed: (place: Rendezvous) => Promise<string>,
  ): Promise<string> {
    const { db, api } = this.environment;
    const device = await this.#hear(place, fromNew.device);
    await dispatchLink(db, { name: 'asked', device: device.name, kind: device.kind });
    if ((await typed(place)) !== place.checkCode) {
      await place.send({ t: 'wrong_check' });
      throw new LinkError('wrong_check');
    }
    await dispatchLink(db, { name: 'confirmed' });
    const recentKeys = this.#recentKeys(machine);
    const { grant } = await place.persist(() => api.devices.link.mutate());
    const { userId, handle, name } = me;
    await place.send({ t: 'account', userId, handle, name, grant });
    const { deviceKeys } = await this.#hear(place, fromNew.keys);
    const deviceId = deviceKeys.device_id;
    const listed = await place.persist(() => api.devices.pending.query({ deviceId }));
    if (canonical(listed) !== canonical(deviceKeys)) throw new LinkError('mismatch');
    const signed = signedDeviceKeys.parse(await place.persist(() => machine.signDevice(deviceKeys)));
    await place.persist(() => api.devices.sign.mutate({ deviceId, deviceKeys: signed }));
    try {
      await place.persist(() => machine.refresh([userId]));
      const secrets = await machine.exportSecrets();
      await place.persist(() => storeState(this.environment, machine, name));
      await place.send({ t: 'signed', secrets, recentKeys: await recentKeys });
      await this.#hear(place, fromNew.done);
    } catch (error) {
      // It is signed, and yet its owner was told that it failed: a device that nobody holds must not stay.
      await removeDevice(this.environment, { deviceId, name: device.name });
      throw error;
    }
    return device.name;
  }

  /** Never rejects: the key backup has the same keys, only later. */
  async #recentKeys(machine: CryptoMachine): Promise<string | null> {
    try {
      return await machine.exportKeysOf(await recentCiphertexts(this.environment), recentKeysMost);
    } catch (error) {
      this.environment.log('recent keys', error);
      return null;
    }
  }

  /** The new device: shows the digits, registers, takes the secrets over. @returns its own name */
  async enter(place: Rendezvous, device: LinkingDevice, joined: (joined: Joined) => void): Promise<string> {
    const { environment } = this;
    const { db, api } = environment;
    await place.send({ t: 'device', ...device });
    await dispatchLink(db, { name: 'digits', checkCode: place.checkCode });
    const account = await this.#hear(place, fromOld.account);
    await dispatchLink(db, { name: 'confirmed' });
    await environment.wipeMachine();
    const { userId, handle, name } = account;
    await wipeCache(environment, userId);
    const deviceId = environment.newId();
    const machine = await environment.openMachine({ userId, deviceId });
    try {
      const made = await machine.createDevice();
      const deviceKeys = signedDeviceKeys.parse(made.deviceKeys);
      const preKeys = keyUpload.parse({ oneTimeKeys: made.oneTimeKeys, fallbackKeys: made.fallbackKeys });
      const request = {
        grant: account.grant,
        deviceId,
        deviceName: device.name,
        deviceType: device.kind,
        idempotencyKey: environment.newSecret(),
        deviceKeys,
        ...preKeys,
      };
      await place.persist(() => api.devices.register.mutate(request));
      await machine.accountCreated(Object.keys(preKeys.oneTimeKeys).length);
      await place.send({ t: 'keys', deviceKeys });
      const { secrets, recentKeys } = await this.#hear(place, fromOld.signed);
      const { bundle, masterKey } = secrets;
      await place.persist(() => machine.adoptSecrets({ bundle, masterKey }));
      if (recentKeys !== null) await machine.importKeys(recentKeys);
      await place.persist(() => takeState(environment, machine));
      joined({ deviceId, machine });
      await db.writeMeta('session', { state: 'signed_in', userId, deviceId, handle, name });
    } catch (error) {
      await machine.close();
      await environment.wipeMachine();
      throw error;
    }
    await place.send({ t: 'done' });
    return device.name;
  }

  async #hear<Schema extends z.ZodType>(place: Rendezvous, schema: Schema): Promise<z.infer<Schema>> {
    const message = await place.receive();
    if (wrongCheck.safeParse(message).success) throw new LinkError('wrong_check');
    const parsed = schema.safeParse(message);
    if (!parsed.success) throw new LinkError('refused');
    return parsed.data;
  }
}

function reasonOf(error: unknown): LinkFailure {
  if (error instanceof LinkError) return error.reason;
  if (error instanceof IdentityMismatch) return 'mismatch';
  const code = failureOf(error);
  if (code === 'offline' || code === 'too_many_devices') return code;
  if (code === 'link_expired') return 'expired';
  return code === 'link_used' ? 'used' : 'refused';
}

/** The same for equal objects, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
