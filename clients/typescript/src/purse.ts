/**
 * The purse: ceilings for requests that are in flight at the same time, and the money of orders. Whatever is handed out is
 * stored before anything is signed with it.
 */
import type { Address } from "viem";

import { isOrderUsed, readSettled, type ContractReader } from "./chains.js";
import { PaymentNotAllowed } from "./errors.js";
import type { Rules } from "./limits.js";
import { MAX_UINT64 } from "./numbers.js";
import type { OrderOffer } from "./offers.js";
import type { SignedOrder } from "./orders.js";
import type { Account, Ceiling, Store } from "./stores.js";

/** The ceilings and the orders of an account, within its rules. */
export class Purse {
  readonly #name: string;

  constructor(
    readonly holder: Address,
    readonly rules: Rules,
    readonly store: Store,
    readonly reader: ContractReader | undefined,
  ) {
    const { chainId, credits } = rules.contract;
    this.#name = `eip155:${chainId}:${credits}:${holder}`;
  }

  /** Return a new ceiling for so many credits. Throws `PaymentNotAllowed` above the limit in all. */
  async reserve(planId: bigint, credits: bigint): Promise<bigint> {
    const isKnown = await this.#update((account) => account.ceilings[planId.toString()] !== undefined);
    const settled = isKnown ? 0n : await this.#readSettled(planId);
    return this.#update((account) => {
      const last = findCeiling(account, planId, settled);
      const ceiling = last.used + credits;
      const added = this.#checkAdded(account, last, ceiling);
      const total = ceiling > last.total ? ceiling : last.total;
      account.ceilings[planId.toString()] = { ...last, total, used: ceiling, signed: last.signed + added };
      return ceiling;
    });
  }

  /** Give back what a request did not cost, of the credits that were reserved for it. */
  async giveBack(planId: bigint, reserved: bigint, cost: bigint, ceiling: bigint): Promise<void> {
    const left = cost < reserved ? reserved - cost : 0n;
    if (left === 0n) return;
    await this.#update((account) => {
      const last = account.ceilings[planId.toString()];
      if (last === undefined || ceiling <= last.floor) return;
      const used = last.used - left;
      last.used = used > last.floor ? used : last.floor;
    });
  }

  /** Take back the ceiling of a request whose outcome is not known, unless a higher one was signed after it. */
  async takeBack(planId: bigint, reserved: bigint, ceiling: bigint): Promise<void> {
    await this.#update((account) => {
      const last = account.ceilings[planId.toString()];
      if (last?.used === ceiling && ceiling > last.floor) last.used -= reserved;
    });
  }

  /**
   * Take over the ceiling that a gateway wants for a request of so many credits, instead of a refused one. Return whether the
   * next ceiling will do. Throws `PaymentNotAllowed` if the limit in all does not allow to sign it, and changes nothing then.
   */
  async raise(planId: bigint, wanted: bigint, credits: bigint, refused: bigint): Promise<boolean> {
    if (wanted <= refused) return false;
    const settled = await this.#readSettled(planId);
    return this.#update((account) => {
      const last = findCeiling(account, planId, settled);
      const base = wanted - credits > last.used ? wanted - credits : last.used;
      this.#checkAdded(account, last, base + credits);
      account.ceilings[planId.toString()] = { ...last, used: base, floor: base };
      return true;
    });
  }

  /** Return the order whose outcome is not known. One that can never be made any more is forgotten. */
  async findOpenOrder(planId: bigint, now: bigint): Promise<SignedOrder | undefined> {
    const open = await this.#update((account) => account.orders[planId.toString()]?.open);
    if (open === undefined || now < BigInt(open.validBefore)) return open;
    const isSpent = this.reader === undefined || (await isOrderUsed(this.reader, this.rules.contract, open));
    await this.closeOrder(planId, open, isSpent);
    return undefined;
  }

  /** Count an order before it is signed. Throws `PaymentNotAllowed` above the budget. */
  async countOrder(offer: OrderOffer): Promise<void> {
    await this.#update((account) => {
      const orders = (account.orders[offer.planId.toString()] ??= { spent: 0n });
      const most = this.rules.budgets.get(offer.planId)?.inAll ?? 0n;
      if (orders.spent + offer.cost > most) {
        const has = `${orders.spent} base units of the budget for the plan ${offer.planId} are signed`;
        throw new PaymentNotAllowed([`${has}, ${offer.cost} more are wanted, and the budget is ${most}`]);
      }
      orders.spent += offer.cost;
    });
  }

  /** Take back what was counted for an order that was not signed. */
  async uncountOrder(offer: OrderOffer): Promise<void> {
    await this.#update((account) => {
      const orders = account.orders[offer.planId.toString()];
      if (orders !== undefined) orders.spent -= offer.cost;
    });
  }

  /** Keep a signed order until its outcome is known. */
  async keepOrder(planId: bigint, order: SignedOrder): Promise<void> {
    await this.#update((account) => {
      (account.orders[planId.toString()] ??= { spent: 0n }).open = order;
    });
  }

  /** Forget an order whose outcome is known. The money of one that was not made goes back to the budget. */
  async closeOrder(planId: bigint, order: SignedOrder, isSpent: boolean): Promise<void> {
    await this.#update((account) => {
      const orders = account.orders[planId.toString()];
      if (orders?.open?.salt !== order.salt) return;
      delete orders.open;
      if (!isSpent) orders.spent -= BigInt(order.maxCost);
    });
  }

  #update<Result>(change: (account: Account) => Result): Promise<Result> {
    return this.store.update(this.#name, change);
  }

  async #readSettled(planId: bigint): Promise<bigint> {
    return this.reader === undefined ? 0n : readSettled(this.reader, this.rules.contract, planId, this.holder);
  }

  #checkAdded(account: Account, last: Ceiling, ceiling: bigint): bigint {
    if (ceiling > MAX_UINT64) throw new PaymentNotAllowed([`the ceiling ${ceiling} does not fit into 64 bits`]);
    const added = ceiling > last.total ? ceiling - last.total : 0n;
    const signed = Object.values(account.ceilings).reduce((sum, each) => sum + each.signed, 0n);
    if (signed + added <= this.rules.inAll) return added;
    const reason = `${signed} credits are signed, ${added} more are wanted, and the limit in all is ${this.rules.inAll}`;
    throw new PaymentNotAllowed([reason], this.#advise());
  }

  #advise(): string {
    if (this.reader !== undefined) return "raise limits.inAll if you want to sign more";
    return "raise limits.inAll, or give a reader so that settled credits do not count, or a store that outlives the process";
  }
}

function findCeiling(account: Account, planId: bigint, settled: bigint): Ceiling {
  const last = account.ceilings[planId.toString()] ?? { total: 0n, used: 0n, signed: 0n, floor: 0n };
  const most = (value: bigint) => (value > settled ? value : settled);
  return { total: most(last.total), used: most(last.used), signed: last.signed, floor: last.floor };
}
