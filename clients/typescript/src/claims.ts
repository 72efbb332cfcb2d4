/** Claims: one request at a time orders a plan. Others wait until it has been answered. */
import { OrderUnderWay } from "./errors.js";

/** How long a request may take to begin the order that it wants. */
const WANTED_MS = 30_000;

interface Claim {
  isSent: boolean;
  readonly ended: Promise<boolean>;
  readonly end: (wasMade: boolean) => void;
  timer: ReturnType<typeof setTimeout>;
}

/** Which plans are being ordered. */
export class Claims {
  readonly #claims = new Map<bigint, Claim>();

  /** Return whether the credits of a plan are used up, and a request is about to order it. */
  isWanted(planId: bigint): boolean {
    return this.#claims.get(planId)?.isSent === false;
  }

  /** Let the next request order a plan. While another one does, wait, and return whether that order was made. */
  async want(planId: bigint): Promise<boolean | undefined> {
    const claim = this.#claims.get(planId);
    if (claim !== undefined) return claim.ended;
    this.#open(planId, false, WANTED_MS);
    return undefined;
  }

  /** Begin an order that is over after so many seconds at the latest. Throws `OrderUnderWay` while another one is under way. */
  begin(planId: bigint, seconds: number): void {
    const claim = this.#claims.get(planId);
    if (claim?.isSent === true) throw new OrderUnderWay(planId);
    if (claim === undefined) {
      this.#open(planId, true, seconds * 1_000);
    } else {
      claim.isSent = true;
      clearTimeout(claim.timer);
      claim.timer = this.#expire(claim, seconds * 1_000);
    }
  }

  /** End an order that has been answered. */
  end(planId: bigint, wasMade: boolean): void {
    this.#claims.get(planId)?.end(wasMade);
  }

  #open(planId: bigint, isSent: boolean, most: number): void {
    let resolve: (wasMade: boolean) => void = () => undefined;
    const ended = new Promise<boolean>((done) => (resolve = done));
    const end = (wasMade: boolean) => {
      clearTimeout(claim.timer);
      if (this.#claims.get(planId) === claim) this.#claims.delete(planId);
      resolve(wasMade);
    };
    const claim: Claim = { isSent, ended, end, timer: setTimeout(() => end(false), most) };
    keepNobodyAlive(claim.timer);
    this.#claims.set(planId, claim);
  }

  #expire(claim: Claim, most: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => claim.end(false), most);
    keepNobodyAlive(timer);
    return timer;
  }
}

/** Let a process of Node end although a timer runs. */
function keepNobodyAlive(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
