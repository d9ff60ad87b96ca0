import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { TrustedProxies } from '../config';
import { callerAddress, isTrustedPeer } from './caller';

export interface DoorkeeperOptions {
  /** How many connections there may be now that are no device's: browsers fetching pages, and who says nothing. */
  room: () => number;
  /** Takes of the address's allowance. @returns whether there was enough */
  take: (address: string, cost: number) => boolean;
  trustedProxies: TrustedProxies;
  refused: () => void;
}

/**
 * Counts connections before they have said anything, so that nobody can use up the process' descriptors by opening
 * them and falling silent (uWebSockets.js ends them after ten seconds). The fuller it gets, the more a further one of
 * the same address costs: who has few gets in while who has many does not.
 */
export class Doorkeeper {
  #open = 0;

  constructor(private readonly options: DoorkeeperOptions) {}

  /** Connections that are no device's. */
  get open(): number {
    return this.#open;
  }

  watch(app: TemplatedApp): void {
    const meet = (res: HttpResponse, count: unknown) => {
      if (Number(count) < 0) {
        this.#open -= 1;
        return;
      }
      this.#open += 1;
      if (this.#mayEnter(Buffer.from(res.getRemoteAddressAsText()).toString())) return;
      this.options.refused();
      res.close();
    };
    app.filter(meet);
  }

  /** One has become a device's connection, and is not seen here again. */
  upgraded(): void {
    this.#open -= 1;
  }

  #mayEnter(peer: string): boolean {
    const { room, take, trustedProxies } = this.options;
    const most = room();
    if (this.#open > most) return false;
    // A proxy speaks for many, and closes what says nothing by itself.
    if (isTrustedPeer(peer, trustedProxies)) return true;
    const fullness = this.#open / most;
    const cost = fullness < 0.5 ? 1 : fullness < 0.8 ? 10 : 100;
    return take(callerAddress(peer, '', 'none'), cost);
  }
}
