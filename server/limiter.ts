/** How often something may be asked: `burst` at once, refilled by `perSecond`. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Allowances by key, in memory. Bounded: past `maxKeys` the key used longest ago is forgotten, which gives it a whole
 * allowance again. A key is kept only while its allowance is not whole.
 */
export class Limiter {
  /** When each key's allowance will be whole again, the key used longest ago first. */
  readonly #wholeAt = new Map<string, number>();

  constructor(
    private readonly rate: Rate,
    private readonly now: () => number,
    private readonly onRefused: () => void = () => undefined,
    private readonly maxKeys = 50_000,
  ) {}

  /** How many keys are kept. */
  get size(): number {
    return this.#wholeAt.size;
  }

  /** Takes `cost` of the key's allowance. @returns whether there was enough */
  take(key: string, cost = 1): boolean {
    const now = this.now();
    const before = this.#wholeAt.get(key) ?? 0;
    const after = spend(before, this.rate, now, cost);
    this.#forget(now);
    const kept = after ?? before;
    this.#wholeAt.delete(key);
    if (kept > now) this.#wholeAt.set(key, kept);
    if (after === null) this.onRefused();
    return after !== null;
  }

  /** Two at a time, so that what comes goes. */
  #forget(now: number): void {
    let looked = 0;
    for (const [key, wholeAt] of this.#wholeAt) {
      if (looked++ === 2) return;
      if (wholeAt > now && this.#wholeAt.size < this.maxKeys) return;
      this.#wholeAt.delete(key);
    }
  }
}

/** So long that nobody waits for it. */
const neverMs = 1e15;

/**
 * Spends of an allowance that is kept as one number: when it will be whole again, in whole ms, 0 at the start.
 * @returns the number to keep from now on, or null where there is not enough
 */
export function spend(wholeAt: number, { burst, perSecond }: Rate, now: number, cost = 1): number | null {
  const eachMs = perSecond > 0 ? 1000 / perSecond : neverMs;
  const after = Math.max(wholeAt, now) + Math.round(cost * eachMs);
  return after - now > burst * eachMs ? null : after;
}

export interface Rates {
  /** Per address. */
  readonly signUp: Rate;
  /** Looking for handles, per device or address. */
  readonly find: Rate;
  /** Prekey bundles, counted one by one, per device that asks. */
  readonly bundles: Rate;
  /** Steps of a linking, per address: polls count one, what could try codes twenty. */
  readonly linking: Rate;
  /** Tries of a recovery key, per address and per handle. */
  readonly recovery: Rate;
  /** Attachments, per device that stores them. */
  readonly uploads: Rate;
  /** Attachments, per address that reads them. */
  readonly downloads: Rate;
  /** One-time keys of one device that one user takes; beyond it they get its signed prekey. */
  readonly oneTimeKeys: Rate;
  /** One-time keys of one device that all take. */
  readonly oneTimeKeysOf: Rate;
  /** Every call of a device. */
  readonly calls: Rate;
  /** Sockets, per address: each counts one, and more when there are many. */
  readonly sockets: Rate;
  /** Upgrades, per address. */
  readonly upgrades: Rate;
  /** Connections, per device: each has a whole allowance of frames. */
  readonly connections: Rate;
  /** Frames of one connection. */
  readonly frames: Rate;
  /** Activity and presence of one connection, which are passed on to many. Beyond it they are dropped. */
  readonly signals: Rate;
}

export const defaultRates: Rates = {
  signUp: { burst: 20, perSecond: 20 / 3600 },
  find: { burst: 60, perSecond: 1 },
  bundles: { burst: 3_000, perSecond: 10 },
  linking: { burst: 600, perSecond: 20 },
  recovery: { burst: 10, perSecond: 10 / 3600 },
  uploads: { burst: 100, perSecond: 0.5 },
  downloads: { burst: 1_000, perSecond: 50 },
  oneTimeKeys: { burst: 10, perSecond: 10 / 3600 },
  oneTimeKeysOf: { burst: 500, perSecond: 1 },
  calls: { burst: 500, perSecond: 50 },
  sockets: { burst: 1_000, perSecond: 100 },
  upgrades: { burst: 1_000, perSecond: 50 },
  connections: { burst: 20, perSecond: 0.5 },
  frames: { burst: 500, perSecond: 100 },
  signals: { burst: 30, perSecond: 2 },
};

/** For tests and benchmarks, where one address is a whole town. */
export const noRates: Rates = {
  signUp: { burst: 1e9, perSecond: 1e9 },
  find: { burst: 1e9, perSecond: 1e9 },
  bundles: { burst: 1e9, perSecond: 1e9 },
  linking: { burst: 1e9, perSecond: 1e9 },
  recovery: { burst: 1e9, perSecond: 1e9 },
  uploads: { burst: 1e9, perSecond: 1e9 },
  downloads: { burst: 1e9, perSecond: 1e9 },
  oneTimeKeys: { burst: 1e9, perSecond: 1e9 },
  oneTimeKeysOf: { burst: 1e9, perSecond: 1e9 },
  calls: { burst: 1e9, perSecond: 1e9 },
  sockets: { burst: 1e9, perSecond: 1e9 },
  upgrades: { burst: 1e9, perSecond: 1e9 },
  connections: { burst: 1e9, perSecond: 1e9 },
  frames: { burst: 1e9, perSecond: 1e9 },
  signals: { burst: 1e9, perSecond: 1e9 },
};

export type Limiters = { readonly [K in Exclude<keyof Rates, 'frames' | 'signals'>]: Limiter };

/** @param onRefused hears the name of a limiter that has just refused */
export function createLimiters(
  rates: Rates,
  now: () => number,
  onRefused: (name: keyof Limiters) => void = () => undefined,
): Limiters {
  const limiter = (name: keyof Limiters) => new Limiter(rates[name], now, () => onRefused(name));
  return {
    signUp: limiter('signUp'),
    find: limiter('find'),
    bundles: limiter('bundles'),
    linking: limiter('linking'),
    recovery: limiter('recovery'),
    uploads: limiter('uploads'),
    downloads: limiter('downloads'),
    oneTimeKeys: limiter('oneTimeKeys'),
    oneTimeKeysOf: limiter('oneTimeKeysOf'),
    calls: limiter('calls'),
    sockets: limiter('sockets'),
    upgrades: limiter('upgrades'),
    connections: limiter('connections'),
  };
}
