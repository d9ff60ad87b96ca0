/** How often something may be asked: `burst` at once, refilled by `perSecond`. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Token buckets by key, in memory. Bounded: past `maxKeys` the key used longest ago is forgotten, which gives it a
 * full bucket again.
 */
export class Limiter {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly now: () => number,
    private readonly maxKeys = 50_000,
  ) {}

  /** Takes `cost` tokens of the key. @returns whether there were enough */
  take(key: string, cost = 1): boolean {
    const now = this.now();
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: this.rate.burst, at: now };
    if (known !== undefined) this.#buckets.delete(key);
    else if (this.#buckets.size >= this.maxKeys) {
      const oldest = this.#buckets.keys().next();
      if (!oldest.done) this.#buckets.delete(oldest.value);
    }
    this.#buckets.set(key, bucket);
    return takeTokens(bucket, this.rate, now, cost);
  }
}

/** One bucket, for what has a place of its own to keep it, such as a connection. */
export function takeTokens(bucket: Bucket, rate: Rate, now: number, cost = 1): boolean {
  const refilled = bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate.perSecond;
  bucket.tokens = Math.min(rate.burst, refilled);
  bucket.at = now;
  if (bucket.tokens < cost) return false;
  bucket.tokens -= cost;
  return true;
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
  /** One-time keys of one device that one user takes; beyond it they get its signed prekey. */
  readonly oneTimeKeys: Rate;
  /** One-time keys of one device that all take. */
  readonly oneTimeKeysOf: Rate;
  /** Every call of a device. */
  readonly calls: Rate;
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
  oneTimeKeys: { burst: 10, perSecond: 10 / 3600 },
  oneTimeKeysOf: { burst: 500, perSecond: 1 },
  calls: { burst: 500, perSecond: 50 },
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
  oneTimeKeys: { burst: 1e9, perSecond: 1e9 },
  oneTimeKeysOf: { burst: 1e9, perSecond: 1e9 },
  calls: { burst: 1e9, perSecond: 1e9 },
  frames: { burst: 1e9, perSecond: 1e9 },
  signals: { burst: 1e9, perSecond: 1e9 },
};

export type Limiters = { readonly [K in Exclude<keyof Rates, 'frames' | 'signals'>]: Limiter };

export function createLimiters(rates: Rates, now: () => number): Limiters {
  return {
    signUp: new Limiter(rates.signUp, now),
    find: new Limiter(rates.find, now),
    bundles: new Limiter(rates.bundles, now),
    linking: new Limiter(rates.linking, now),
    recovery: new Limiter(rates.recovery, now),
    oneTimeKeys: new Limiter(rates.oneTimeKeys, now),
    oneTimeKeysOf: new Limiter(rates.oneTimeKeysOf, now),
    calls: new Limiter(rates.calls, now),
  };
}
