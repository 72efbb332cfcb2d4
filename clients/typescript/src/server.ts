/**
 * Our schemes for the official resource server, such as `@x402/express`: it takes credits and orders of plans, and a
 * facilitator of nvm_chain verifies and settles them.
 */
import type {
  AssetAmount,
  Network,
  PaymentRequirements,
  Price,
  SchemeNetworkServer,
  SchemePaymentRequiredContext,
  SchemeServerHooks,
} from "@x402/core/types";

import { InvalidOption } from "./errors.js";
import { isObject, readAddress, readDid, readNetwork, readPlanId } from "./numbers.js";
import { CREDITS_SCHEME, ORDER_SCHEME } from "./offers.js";

/** How the official server names the one way in which a scheme without variants pays. */
const ONLY = "default";

/** What a route says of a payment. The official server calls it a payment option. */
export interface RouteOption {
  scheme: string;
  network: Network;
  payTo: string;
  price: AssetAmount & { extra: Record<string, unknown> };
}

/** A request that costs credits of a plan. */
export interface CreditsPrice {
  readonly network: `eip155:${number}`;
  /** The address of the Credits contract. */
  readonly credits: string;
  readonly planId: bigint | string;
  /** Who may redeem the credits: the key of the facilitator's meter. */
  readonly redeemer: string;
  /** The credits of a request. */
  readonly amount: bigint;
  /** The DID of the service. */
  readonly service: string;
}

/** A plan that is bought by a signed order. */
export interface PlanPrice {
  readonly network: `eip155:${number}`;
  readonly credits: string;
  readonly planId: bigint | string;
  readonly redeemer: string;
  /** The token, with the name and the version of its EIP-712 domain. */
  readonly token: { readonly address: string; readonly name: string; readonly version: string };
  /** The cost of one purchase, in base units of the token. */
  readonly amount: bigint;
  /** The credits that one purchase gives. */
  readonly gives: bigint;
}

/** Return the option of a route that costs credits. */
export function takeCredits(price: CreditsPrice): RouteOption {
  readNetwork(price.network);
  const extra = {
    name: "nvm_chain Credits",
    version: "1",
    planId: readPlanId(price.planId).toString(),
    service: readDid(price.service, "service"),
    level: "none",
  };
  return {
    scheme: CREDITS_SCHEME,
    network: price.network,
    payTo: readAddress(price.redeemer, "redeemer"),
    price: { asset: readAddress(price.credits, "credits"), amount: price.amount.toString(), extra },
  };
}

/** Return the option of a route that sells a plan. */
export function sellPlan(price: PlanPrice): RouteOption {
  readNetwork(price.network);
  const { name, version } = price.token;
  const extra = {
    ...{ name, version, paymentFlow: "upfront", purchase: "plan" },
    planId: readPlanId(price.planId).toString(),
    credits: price.gives.toString(),
    redeemer: readAddress(price.redeemer, "redeemer"),
  };
  return {
    scheme: ORDER_SCHEME,
    network: price.network,
    payTo: readAddress(price.credits, "credits"),
    price: { asset: readAddress(price.token.address, "token"), amount: price.amount.toString(), extra },
  };
}

class ServerScheme implements SchemeNetworkServer {
  readonly defaultAssetTransferMethod = ONLY;
  readonly paymentFlows: SchemeNetworkServer["paymentFlows"];

  constructor(
    readonly scheme: string,
    flow: "authorization" | "upfront",
  ) {
    this.paymentFlows = { [ONLY]: { supported: [flow], default: flow } };
  }

  async parsePrice(price: Price): Promise<AssetAmount> {
    if (typeof price === "object") return price;
    const advice = "make the option of the route with takeCredits or sellPlan";
    throw new InvalidOption(`a price of the scheme ${this.scheme} is ${price}, and not an amount of an asset`, advice);
  }

  async enhancePaymentRequirements(requirements: PaymentRequirements): Promise<PaymentRequirements> {
    return requirements;
  }
}

/**
 * Takes credits: verified before the request is served, and charged after it. If the facilitator says which ceiling a payer has
 * to sign, the 402 says so too, and the client signs it.
 */
export class CreditsServerScheme extends ServerScheme {
  readonly schemeHooks: SchemeServerHooks;
  readonly #accounts = new WeakMap<object, Record<string, unknown>>();

  constructor() {
    super(CREDITS_SCHEME, "authorization");
    this.schemeHooks = {
      onAfterVerify: async ({ paymentPayload, result }) => {
        const account = result.extra?.["account"];
        if (!result.isValid && isObject(account)) this.#accounts.set(paymentPayload, { ...account });
      },
    };
  }

  async enrichPaymentRequiredResponse({
    requirements,
    paymentPayload,
  }: SchemePaymentRequiredContext): Promise<PaymentRequirements[] | void> {
    const account = paymentPayload && this.#accounts.get(paymentPayload);
    if (paymentPayload === undefined || account === undefined) return;
    const planId = paymentPayload.accepted.extra["planId"];
    return requirements.map((offer) =>
      offer.scheme === CREDITS_SCHEME && offer.extra["planId"] === planId
        ? { ...offer, extra: { ...offer.extra, account } }
        : offer,
    );
  }
}

/** Sells plans: the order is made before the request is served. */
export class OrderServerScheme extends ServerScheme {
  constructor() {
    super(ORDER_SCHEME, "upfront");
  }
}
