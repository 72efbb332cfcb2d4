/** The scheme `nvm-order`: buy a plan within its budget, and be served out of it at once. */
import type { PaymentResponseContext } from "@x402/core/client";
import type { PaymentPayloadContext, PaymentPayloadResult, PaymentRequirements } from "@x402/core/types";
import type { SchemeClientHooks, SchemeNetworkClient } from "@x402/core/types";
import { bytesToHex } from "viem";

import { OrderUnderWay, PaymentNotAllowed } from "./errors.js";
import { ORDER_SCHEME, readOrderOffer, type OrderOffer } from "./offers.js";
import { signOrder, type SignedOrder } from "./orders.js";
import type { Payer } from "./payer.js";

/** The shortest and the longest time in which an order can be made, in seconds. */
const SECONDS = [60, 600] as const;
/** How long an order that is shown again has to be valid still. */
const LEAST_LEFT = 15n;

/** Orders plans. */
export class OrderScheme implements SchemeNetworkClient {
  readonly scheme = ORDER_SCHEME;
  readonly schemeHooks: SchemeClientHooks;

  constructor(readonly payer: Payer) {
    this.schemeHooks = {
      onBeforePaymentCreation: async ({ selectedRequirements, paymentRequired }) =>
        payer.remember(selectedRequirements, paymentRequired),
      onAfterPaymentCreation: async ({ paymentPayload }) => payer.erase(paymentPayload),
      onPaymentResponse: async (context) => this.#takeAnswer(context),
    };
  }

  async createPaymentPayload(
    x402Version: number,
    requirements: PaymentRequirements,
    context?: PaymentPayloadContext,
  ): Promise<PaymentPayloadResult> {
    const offer = readOrderOffer(requirements);
    const problem = this.payer.rules.findOrderProblem(offer);
    if (problem !== undefined) throw new PaymentNotAllowed([problem]);
    const { request, planId } = offer;
    const binding = request && this.payer.buildBinding(request, requirements, context?.extensions);
    this.payer.claims.begin(planId, SECONDS[1]);
    try {
      const order = await this.#order(offer);
      const voucher = request && (await this.payer.sign(planId, offer.redeemer, request.amount, binding));
      return { x402Version, payload: { order, ...(voucher && { voucher }), ...(binding && { binding }) } };
    } catch (error) {
      this.payer.claims.end(planId, false);
      throw error;
    }
  }

  /** Return the order whose outcome is not known yet, or else sign one. So no plan is paid twice for one request. */
  async #order(offer: OrderOffer): Promise<SignedOrder> {
    const now = BigInt(Math.floor(Date.now() / 1_000));
    const open = await this.payer.purse.findOpenOrder(offer.planId, now);
    if (open === undefined) return this.#sign(offer, now);
    const isSame = open.token === offer.token.address && BigInt(open.maxCost) === offer.cost;
    if (isSame && now + LEAST_LEFT < BigInt(open.validBefore)) return open;
    throw new OrderUnderWay(offer.planId);
  }

  async #sign(offer: OrderOffer, now: bigint): Promise<SignedOrder> {
    const { payer } = this;
    await payer.purse.countOrder(offer);
    const seconds = Math.min(Math.max(offer.seconds, SECONDS[0]), SECONDS[1]);
    const order = {
      planId: offer.planId,
      payer: payer.holder,
      receiver: payer.holder,
      quantity: 1n,
      maxCost: offer.cost,
      validAfter: 0n,
      validBefore: now + BigInt(seconds),
      salt: bytesToHex(crypto.getRandomValues(new Uint8Array(32))),
    };
    try {
      const signed = await signOrder(payer.signer, order, offer.token, payer.rules.contract);
      await payer.purse.keepOrder(offer.planId, signed);
      return signed;
    } catch (error) {
      await payer.purse.uncountOrder(offer);
      throw error;
    }
  }

  async #takeAnswer(context: PaymentResponseContext): Promise<void | { recovered: true }> {
    const { planId, request } = readOrderOffer(context.requirements);
    const { order } = context.paymentPayload.payload as { order: SignedOrder };
    const { success, transaction } = context.settleResponse ?? {};
    const wasMade = success === true; // without a transaction, the holder had credits, and the order was not needed
    if (wasMade && transaction !== "") await this.payer.purse.closeOrder(planId, order, true);
    this.payer.claims.end(planId, wasMade);
    if (request === undefined) return;
    const refused = await this.payer.giveBack(context, planId, request.amount);
    if (context.paymentRequired === undefined) return;
    if (!(await this.payer.correct(context, planId, request.amount, refused))) return;
    await this.payer.claims.want(planId); // the retry orders too, with the same order
    return { recovered: true };
  }
}
