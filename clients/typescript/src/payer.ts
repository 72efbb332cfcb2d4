/** The payer: an account with limits, that the official client of x402 pays with. */
import type { PaymentPolicy, PaymentResponseContext, SpendControls, x402Client } from "@x402/core/client";
import type { Network, PaymentPayload, PaymentRequired, PaymentRequirements } from "@x402/core/types";
import type { Address } from "viem";

import { bindingContext, buildBinding, isAtLeast, type Binding } from "./bindings.js";
import type { ContractReader } from "./chains.js";
import { Claims } from "./claims.js";
import { CreditsScheme } from "./credits_scheme.js";
import { PaymentNotAllowed, RequestNotBound } from "./errors.js";
import { Rules, type Budget, type Limits } from "./limits.js";
import { readAddress, readNetwork, readPlanId } from "./numbers.js";
import {
  CREDITS_SCHEME,
  ORDER_SCHEME,
  readAll,
  readCreditsOffer,
  readOrderOffer,
  type OrderOffer,
} from "./offers.js";
import { OrderScheme } from "./order_scheme.js";
import { findPlace } from "./places.js";
import { Purse } from "./purse.js";
import { describeRequest, RequestNotes, type RequestLike, type SentRequest } from "./requests.js";
import { bindFetch, type Fetch } from "./sending.js";
import { Spending } from "./spending.js";
import { MemoryStore, type Store } from "./stores.js";
import { signVoucher, type Signer, type SignedVoucher } from "./vouchers.js";

/** How long a voucher for one request is valid. It pays for an answer of an hour, and the settlement has time after that. */
const VOUCHER_SECONDS = 4_500;

/** How long other offers go before those of credits that are used up. */
const USED_UP_MS = 5_000;

/** What a payer is made of. */
export interface PayerOptions {
  /** The account that signs: a local account of viem, or any other signer of typed data. */
  readonly account: Signer;
  /** The chain by CAIP-2, such as `eip155:8453`. */
  readonly network: `eip155:${number}`;
  /** The address of the Credits contract on that chain. Nothing is signed for another contract. */
  readonly credits: string;
  readonly limits: Limits;
  /** Which plans may be ordered when their credits are used up. None if not given. */
  readonly budgets?: readonly Budget[];
  /** Where the payer keeps what it has signed. In memory if not given. */
  readonly store?: Store;
  /** A public client of viem. With it, credits that are settled already do not count against the limits. */
  readonly reader?: ContractReader;
  /** Origins such as `https://api.example.com`. Others are not paid. Every origin if not given. */
  readonly origins?: readonly string[];
  /** The spend controls for other schemes of the client, as the client takes them. */
  readonly otherControls?: SpendControls | false;
}

/** An account that pays from credits, and orders plans within budgets. */
export class Payer {
  readonly network: `eip155:${number}`;
  /** The scheme `nvm-credits`. `register` registers it. */
  readonly credits: CreditsScheme;
  /** The scheme `nvm-order`. `register` registers it. */
  readonly orders: OrderScheme;
  /** @internal */ readonly purse: Purse;
  /** @internal */ readonly rules: Rules;
  /** @internal */ readonly claims = new Claims();
  /** @internal */ readonly signer: Signer;
  readonly #notes = new RequestNotes();
  readonly #origins: ReadonlySet<string>;
  readonly #spending: Spending;
  readonly #usedUp = new Map<bigint, number>();
  readonly #resources = new WeakMap<object, string>();

  constructor(options: PayerOptions) {
    this.network = options.network;
    this.signer = options.account;
    const contract = { chainId: readNetwork(options.network), credits: readAddress(options.credits, "credits") };
    this.rules = new Rules(contract, options.limits, options.budgets);
    this.purse = new Purse(this.holder, this.rules, options.store ?? new MemoryStore(), options.reader);
    this.#origins = new Set((options.origins ?? []).map((origin) => new URL(origin).origin));
    this.#spending = new Spending(options.network, this.rules, options.otherControls);
    this.credits = new CreditsScheme(this);
    this.orders = new OrderScheme(this);
  }

  /** The address that pays. */
  get holder(): Address {
    return readAddress(this.signer.address, "account");
  }

  /**
   * Register the schemes, the limits and the spend controls with a client of `@x402/core`. Returns the client.
   *
   * Of all networks that schemes are registered for, the client looks at one only: the one with exactly the name of the
   * chain, or else the first that fits. So register other schemes for the same `networks` as these.
   */
  register(client: x402Client, networks: Network = "eip155:*"): x402Client {
    return client
      .register(networks, this.credits)
      .register(networks, this.orders)
      .registerPolicy(this.choose)
      .setSpendControls(this.spendControls)
      .onAfterPaymentCreation(async ({ paymentPayload }) => this.erase(paymentPayload));
  }

  /** The spend controls that let the client pay with credits, and order within the budgets. */
  get spendControls(): SpendControls | false {
    return this.#spending.controls;
  }

  /** Return a fetch for `wrapFetchWithPayment`, so that each voucher is bound to one request. */
  bind(fetch: Fetch = globalThis.fetch): Fetch {
    return bindFetch(fetch, this.#notes, (payment) => this.#takeBack(payment));
  }

  /** Return a 402 with its request in it, for clients that do not use `fetch`. Give it to `createPaymentPayload`. */
  note(required: PaymentRequired, request: RequestLike, body: Uint8Array = new Uint8Array()): PaymentRequired {
    return this.#notes.write(required, describeRequest(request, body));
  }

  /** The policy: only offers within the limits are left. Throws `PaymentNotAllowed` if no offer is left. */
  readonly choose: PaymentPolicy = (_version, offers) => {
    const reasons = offers.map((offer) => this.#findProblem(offer));
    const left = offers.filter((_, index) => reasons[index] === undefined);
    const told = new Set(reasons.filter((reason) => reason !== undefined));
    if (left.length === 0 && told.size > 0) throw new PaymentNotAllowed([...told]);
    return this.#leaveUsedUp(left);
  };

  #findProblem(offer: PaymentRequirements): string | undefined {
    try {
      if (offer.scheme === ORDER_SCHEME) return this.rules.findOrderProblem(readOrderOffer(offer));
      if (offer.scheme === CREDITS_SCHEME) return this.rules.findCreditsProblem(readCreditsOffer(offer));
      return this.#spending.findProblem(offer);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Return the order that is wanted instead of used-up credits, or what else there is. Credits stay if there is nothing. */
  #leaveUsedUp(offers: PaymentRequirements[]): PaymentRequirements[] {
    const isOf = (offer: PaymentRequirements, scheme: string, test: (planId: bigint) => boolean) =>
      offer.scheme === scheme && test(readPlanId(offer.extra["planId"]));
    const wanted = offers.filter((offer) => isOf(offer, ORDER_SCHEME, (planId) => this.claims.isWanted(planId)));
    if (wanted.length > 0) return wanted;
    const others = offers.filter((offer) => !isOf(offer, CREDITS_SCHEME, (planId) => this.#isUsedUp(planId)));
    return others.length > 0 ? others : offers;
  }

  #isUsedUp(planId: bigint): boolean {
    return (this.#usedUp.get(planId) ?? 0) > Date.now();
  }

  /** @internal Note that a plan has no credits, so that the client pays in another way for a moment. */
  noteUsedUp(planId: bigint): void {
    this.#usedUp.set(planId, Date.now() + USED_UP_MS);
  }

  /** @internal Return the offer that orders a plan within its budget. */
  findOrder(offers: readonly PaymentRequirements[], planId: bigint): OrderOffer | undefined {
    return readAll(offers, ORDER_SCHEME, readOrderOffer).find(
      (offer) => offer.planId === planId && this.rules.findOrderProblem(offer) === undefined,
    );
  }

  /** @internal Remember which resource an offer is for, as the server says it. */
  remember(offer: PaymentRequirements, required: PaymentRequired): void {
    const { url } = required.resource ?? {};
    if (typeof url === "string") this.#resources.set(offer, url);
  }

  /** @internal Take our own notes out of a payment. */
  erase(payment: PaymentPayload): void {
    this.#notes.erase(payment);
  }

  /** @internal Return the binding for a request: of the level full if the request is known, else of the level resource. */
  buildBinding(
    wanted: { service: string; level: string },
    offer: PaymentRequirements,
    extensions: Record<string, unknown> | undefined,
  ): Binding | undefined {
    const sent = this.#notes.read(extensions);
    this.#checkOrigin(sent);
    const resource = this.#resources.get(offer);
    const place = sent?.place ?? (resource === undefined ? undefined : findPlace(resource));
    if (place?.service !== undefined && place.service !== wanted.service) {
      throw new PaymentNotAllowed(["it is an offer of another service than that of the address"], "ask the seller why");
    }
    if (sent !== undefined) return buildBinding(wanted.service, sent);
    if (!isAtLeast(place === undefined ? "none" : "resource", wanted.level)) throw new RequestNotBound(wanted.level);
    if (place === undefined) return undefined;
    return buildBinding(wanted.service, { method: "*", body: "*", target: place.target }, "resource");
  }

  #checkOrigin(sent: SentRequest | undefined): void {
    if (this.#origins.size === 0) return;
    if (sent === undefined) throw new RequestNotBound("full");
    if (!this.#origins.has(sent.place.origin)) {
      throw new PaymentNotAllowed([`${sent.place.origin} is not one of the origins of the limits`]);
    }
  }

  /** @internal Reserve credits, and sign the ceiling for a request. */
  async sign(planId: bigint, redeemer: Address, credits: bigint, binding: Binding | undefined): Promise<SignedVoucher> {
    const ceiling = await this.purse.reserve(planId, credits);
    const deadline = BigInt(Math.floor(Date.now() / 1_000) + VOUCHER_SECONDS);
    const voucher = { planId, holder: this.holder, redeemer, ceiling, context: bindingContext(binding), deadline };
    try {
      return await signVoucher(this.signer, voucher, this.rules.contract);
    } catch (error) {
      await this.purse.giveBack(planId, credits, 0n, ceiling);
      throw error;
    }
  }

  /** @internal Give back what a request did not cost. */
  async giveBack(context: PaymentResponseContext, planId: bigint, credits: bigint): Promise<bigint> {
    const { voucher } = context.paymentPayload.payload as { voucher: SignedVoucher };
    const ceiling = BigInt(voucher.ceiling);
    await this.purse.giveBack(planId, credits, findCost(context, credits), ceiling);
    return ceiling;
  }

  /** Note that a paid request was not answered. Its ceiling is signed again, unless a higher one was signed after it. */
  async #takeBack({ accepted, payload }: PaymentPayload): Promise<void> {
    const planId = readPlanId(accepted.extra["planId"]);
    const { voucher } = payload as { voucher?: SignedVoucher };
    const credits = accepted.scheme === CREDITS_SCHEME ? accepted.amount : accepted.extra["requestCredits"];
    if (voucher !== undefined) await this.purse.takeBack(planId, BigInt(String(credits)), BigInt(voucher.ceiling));
    if (accepted.scheme === ORDER_SCHEME) this.claims.end(planId, false);
  }

  /** @internal Take over the ceiling that a 402 wants. Return whether another voucher will do. */
  async correct(context: PaymentResponseContext, planId: bigint, credits: bigint, refused: bigint): Promise<boolean> {
    const accepts = context.paymentRequired?.accepts ?? [];
    const offers = [
      ...readAll(accepts, CREDITS_SCHEME, readCreditsOffer),
      ...readAll(accepts, ORDER_SCHEME, readOrderOffer),
    ];
    const account = offers.find((offer) => offer.planId === planId && offer.account !== undefined)?.account;
    if (account === undefined || account.holder !== this.holder) return false;
    return this.purse.raise(planId, account.nextCeiling, credits, refused);
  }
}

/** Return what a request cost: nothing without a receipt, and all without an amount in it. */
function findCost({ settleResponse }: PaymentResponseContext, credits: bigint): bigint {
  if (settleResponse?.success !== true) return 0n;
  return /^[0-9]{1,20}$/.test(settleResponse.amount ?? "") ? BigInt(settleResponse.amount ?? "") : credits;
}
