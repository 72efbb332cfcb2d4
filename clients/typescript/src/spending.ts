/**
 * Spend controls of the official client. By default it pays only with well-known dollar tokens, at most $1. Credits are not
 * a token that it knows, and a plan may cost more. So the contract and the tokens of budgets are allowed by name.
 */
import type { SpendControlAsset, SpendControls } from "@x402/core/client";
import type { PaymentRequirements } from "@x402/core/types";
import type { Address } from "viem";

import { InvalidOption } from "./errors.js";
import type { Rules } from "./limits.js";

/** The spend controls of a client with a payer, and the limits of other schemes on the tokens of budgets. */
export class Spending {
  readonly controls: SpendControls | false;
  readonly #tokens = new Map<Address, bigint>();
  readonly #others: readonly SpendControlAsset[];
  readonly #takesAll: boolean;

  constructor(
    readonly network: `eip155:${number}`,
    rules: Rules,
    others: SpendControls | false | undefined,
  ) {
    for (const { token, perOrder } of rules.budgets.values()) {
      const most = this.#tokens.get(token) ?? 0n;
      this.#tokens.set(token, perOrder > most ? perOrder : most);
    }
    const allowed = typeof others === "object" ? others.allowedAssets : undefined;
    this.#takesAll = others === false || allowed === true;
    this.#others = Array.isArray(allowed) ? allowed : [];
    this.controls = this.#takesAll && others !== undefined ? others : { ...others, allowedAssets: this.#build(rules) };
  }

  /** Return why another scheme may not pay with the token of a budget. A budget is for orders of its plan only. */
  findProblem(offer: PaymentRequirements): string | undefined {
    const token = [...this.#tokens.keys()].find((each) => isSame(each, offer.asset));
    if (token === undefined || offer.network !== this.network || this.#takesAll) return undefined;
    const cap = this.#findCap(token);
    if (cap !== undefined && /^[0-9]+$/.test(offer.amount) && BigInt(offer.amount) <= cap) return undefined;
    return `the token ${token} is allowed for orders of plans, and ${cap ?? 0n} of it for the scheme ${offer.scheme}`;
  }

  /** Credits have no cap here, because the schemes know the limits, and say which one does not allow an offer. */
  #build(rules: Rules): SpendControlAsset[] {
    const tokens = [...this.#tokens].map(([asset, most]) => {
      const cap = this.#findCap(asset) ?? 0n;
      return { network: this.network, asset, maxAmountPerPayment: (cap > most ? cap : most).toString() };
    });
    return [{ network: this.network, asset: rules.contract.credits }, ...tokens, ...this.#others];
  }

  #findCap(asset: Address): bigint | undefined {
    const entry = this.#others.find((each) => each.network === this.network && isSame(asset, each.asset));
    if (entry === undefined) return undefined;
    if (entry.maxAmountPerPayment !== undefined) return BigInt(entry.maxAmountPerPayment);
    throw new InvalidOption(`otherControls allow ${asset} without an end`, "give its maxAmountPerPayment in base units");
  }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
