import type { CryptoMachine } from '../crypto/types';
import type { Environment } from './environment';
import { KeysLost } from './mending';
import type { Session } from './meta';

/**
 * Opens the machine of this device. What fails leaves none open.
 * @param open it, if it is open already
 * @throws KeysLost when the store is not that of this device any more
 */
export async function openOwn(
  environment: Environment,
  me: Extract<Session, { state: 'signed_in' }>,
  open: CryptoMachine | null,
): Promise<CryptoMachine> {
  const machine = open ?? (await environment.openMachine(me));
  try {
    if (!(await machine.hasAccount())) throw new KeysLost();
    return machine;
  } catch (error) {
    // Left open, it would keep its store from ever being opened or deleted again.
    await machine.close();
    throw error;
  }
}

/**
 * A machine that is still being opened: what is asked of it waits for that, in the order of asking, so that the network
 * can be asked meanwhile. Whoever asks learns why the opening failed; there is nothing to close then.
 */
export function openingMachine(
  { userId, deviceId }: Pick<CryptoMachine, 'userId' | 'deviceId'>,
  opening: Promise<CryptoMachine>,
): CryptoMachine {
  let open: CryptoMachine | null = null;
  opening.then(
    (machine) => {
      open = machine;
    },
    () => undefined,
  );
  const before: Partial<CryptoMachine> = {
    userId,
    deviceId,
    // Nothing has been encrypted yet that could be sent.
    maySend: () => false,
    close: () =>
      opening.then(
        (machine) => machine.close(),
        () => undefined,
      ),
  };
  return new Proxy(before as CryptoMachine, {
    get: (_, name) => {
      // It is no promise, and must not be taken for one where it is returned from an async function.
      if (name === 'then') return undefined;
      if (open) return methodOf(open, name);
      if (name in before) return Reflect.get(before, name);
      return async (...given: unknown[]) => methodOf(await opening, name)(...given);
    },
  });
}

function methodOf(machine: CryptoMachine, name: string | symbol) {
  const value = Reflect.get(machine, name, machine);
  return typeof value === 'function' ? value.bind(machine) : value;
}
