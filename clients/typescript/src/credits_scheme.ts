/** The scheme `nvm-credits`: a voucher for each request, and another ceiling if the server wants one. */
import type { PaymentResponseContext } from "@x402/core/client";
import type { PaymentPayloadContext, PaymentPayloadResult, PaymentRequirements } from "@x402/core/types";
import type { SchemeClientHooks, SchemeNetworkClient } from "@x402/core/types";

import { PaymentNotAllowed } from "./errors.js";
import { CREDITS_SCHEME, ORDER_SCHEME, readAll, readCreditsOffer } from "./offers.js";
import type { Payer } from "./payer.js";

/** Pays requests from credits. */
export class CreditsScheme implements SchemeNetworkClient {
  readonly scheme = CREDITS_SCHEME;
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
    const offer = readCreditsOffer(requirements);
    const problem = this.payer.rules.findCreditsProblem(offer);
    if (problem !== undefined) throw new PaymentNotAllowed([problem]);
    const binding = this.payer.buildBinding(offer, requirements, context?.extensions);
    const voucher = await this.payer.sign(offer.planId, offer.redeemer, offer.amount, binding);
    return { x402Version, payload: { voucher, ...(binding && { binding }) } };
  }

  async #takeAnswer(context: PaymentResponseContext): Promise<void | { recovered: true }> {
    const { planId, amount } = readCreditsOffer(context.requirements);
    const refused = await this.payer.giveBack(context, planId, amount);
    if (context.paymentRequired === undefined) return;
    const { accepts } = context.paymentRequired;
    const isUsedUp = !readAll(accepts, CREDITS_SCHEME, readCreditsOffer).some((offer) => offer.planId === planId);
    const isCorrected = await this.payer.correct(context, planId, amount, refused); // an order comes with a voucher too
    if (isUsedUp ? await this.#turnToOrder(context, planId) : isCorrected) return { recovered: true };
  }

  /** Let the client order the plan instead, wait for the order of another request, or pay in a way that is not ours. */
  async #turnToOrder({ paymentRequired }: PaymentResponseContext, planId: bigint): Promise<boolean> {
    const offers = paymentRequired?.accepts ?? [];
    if (this.payer.findOrder(offers, planId) !== undefined) return (await this.payer.claims.want(planId)) ?? true;
    this.payer.noteUsedUp(planId);
    return offers.some(({ scheme }) => scheme !== ORDER_SCHEME);
  }
}
