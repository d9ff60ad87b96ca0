import { initAsync } from '@matrix-org/matrix-sdk-crypto-wasm';

declare global {
  /** Where the library is, put in by a build whose bundler does not know it; any other finds it by itself. */
  var __CRYPTO_WASM: string | undefined;
}

/** Loads and compiles the crypto library once, which takes a while; whoever needs it waits for that. */
export const loadCrypto = (): Promise<void> => initAsync(globalThis.__CRYPTO_WASM);
