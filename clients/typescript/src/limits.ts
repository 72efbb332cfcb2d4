/** Limits and budgets: what the plug-in may sign without asking anybody. */
import type { Address } from "viem";

import { InvalidOption } from "./errors.js";
import { MAX_UINT256, MAX_UINT64, readAddress, readDid, readPlanId } from "./numbers.js";
import type { CreditsOffer, OrderOffer } from "./offers.js";
import type { CreditsContract } from "./vouchers.js";

/** What may be signed, in credits. Empty lists do not limit anything. */
export interface Limits {
  /** The highest cost of one request. */
  readonly perRequest: bigint;
  /** How many credits sellers can take at most, by all that is signed. What is signed and not used counts too. */
  readonly inAll: bigint;
  readonly plans?: readonly (bigint | string)[];
  readonly services?: readonly string[];
  readonly redeemers?: readonly string[];
}

/** Money for orders of one plan, in base units of the plan's token. */
export interface Budget {
  readonly planId: bigint | string;
  /** The address of the token. */
  readonly token: string;
  /** The highest cost of all orders of the plan together, over the life of the store. */
  readonly inAll: bigint;
  /** The highest cost of one order. All of the budget if not given. */
  readonly perOrder?: bigint;
}

/** A budget in one spelling. */
export interface CheckedBudget {
  readonly planId: bigint;
  readonly token: Address;
  readonly inAll: bigint;
  readonly perOrder: bigint;
}

/** The rules of a payer: which offers may be paid, and why others may not. */
export class Rules {
  readonly perRequest: bigint;
  readonly inAll: bigint;
  readonly budgets: ReadonlyMap<bigint, CheckedBudget>;
  readonly #plans: ReadonlySet<bigint>;
  readonly #services: ReadonlySet<string>;
  readonly #redeemers: ReadonlySet<Address>;

  constructor(
    readonly contract: CreditsContract,
    limits: Limits,
    budgets: readonly Budget[] = [],
  ) {
    this.perRequest = checkAmount(limits.perRequest, MAX_UINT64, "limits.perRequest");
    this.inAll = checkAmount(limits.inAll, MAX_UINT64, "limits.inAll");
    this.#plans = new Set((limits.plans ?? []).map(readPlanId));
    this.#services = new Set((limits.services ?? []).map((service) => readDid(service, "service")));
    this.#redeemers = new Set((limits.redeemers ?? []).map((redeemer) => readAddress(redeemer, "redeemer")));
    this.budgets = new Map(budgets.map(checkBudget).map((budget) => [budget.planId, budget]));
  }

  /** Return why an offer of credits may not be paid. Undefined if it may. */
  findCreditsProblem(offer: CreditsOffer): string | undefined {
    return this.#findProblem(offer, offer) ?? this.#findAmountProblem(offer.amount);
  }

  /** Return why a plan may not be ordered for a request. Undefined if it may, as far as one order goes. */
  findOrderProblem(offer: OrderOffer): string | undefined {
    const budget = this.budgets.get(offer.planId);
    if (budget === undefined) return `there is no budget for the plan ${offer.planId}`;
    const problem = this.#findProblem(offer, offer.request);
    if (problem !== undefined) return problem;
    if (offer.token.address !== budget.token) return `it costs another token than the budget's ${budget.token}`;
    if (offer.cost > budget.perOrder) {
      return `the order costs ${offer.cost} base units, and the budget allows ${budget.perOrder} for an order`;
    }
    return offer.request === undefined ? undefined : this.#findAmountProblem(offer.request.amount);
  }

  #findProblem(
    offer: { chainId: number; credits: Address; planId: bigint; redeemer: Address },
    request: { service: string } | undefined,
  ): string | undefined {
    const { chainId, credits } = this.contract;
    if (offer.chainId !== chainId) return `it is on chain ${offer.chainId}, and the payer on chain ${chainId}`;
    if (offer.credits !== credits) return `it is of the Credits contract ${offer.credits}, and not of ${credits}`;
    if (this.#plans.size > 0 && !this.#plans.has(offer.planId)) return "its plan is not one of the plans of the limits";
    if (this.#redeemers.size > 0 && !this.#redeemers.has(offer.redeemer)) {
      return "its redeemer is not one of the redeemers of the limits";
    }
    if (request !== undefined && this.#services.size > 0 && !this.#services.has(request.service)) {
      return "its service is not one of the services of the limits";
    }
    return undefined;
  }

  #findAmountProblem(amount: bigint): string | undefined {
    if (amount === 0n) return "it would cost 0 credits, and a voucher is for at least one";
    if (amount <= this.perRequest) return undefined;
    return `it may cost ${amount} credits, and the limit for a request is ${this.perRequest}`;
  }
}

function checkBudget(budget: Budget): CheckedBudget {
  const inAll = checkAmount(budget.inAll, MAX_UINT256, "budget.inAll");
  const perOrder = checkAmount(budget.perOrder ?? inAll, MAX_UINT256, "budget.perOrder");
  return {
    planId: readPlanId(budget.planId),
    token: readAddress(budget.token, "budget.token"),
    inAll,
    perOrder: perOrder < inAll ? perOrder : inAll,
  };
}

function checkAmount(value: unknown, most: bigint, name: string): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= most) return value;
  throw new InvalidOption(`${name} is ${String(value).slice(0, 40)}`, `give a bigint from 0 to ${most}, such as 100n`);
}
