/** Offers of our schemes, read from the `accepts` of a 402. */
import type { PaymentRequirements } from "@x402/core/types";
import type { Address } from "viem";

import { InvalidMessage } from "./errors.js";
import {
  isObject,
  MAX_UINT256,
  MAX_UINT64,
  readAddress,
  readDid,
  readNetwork,
  readPlanId,
  readText,
  readUint,
} from "./numbers.js";
import type { Token } from "./orders.js";

export const CREDITS_SCHEME = "nvm-credits";
export const ORDER_SCHEME = "nvm-order";

/** Credits of a plan, as payment for a request. `amount` is the highest cost of the request. */
export interface CreditsOffer {
  readonly chainId: number;
  readonly credits: Address;
  readonly planId: bigint;
  readonly redeemer: Address;
  readonly amount: bigint;
  readonly service: string;
  readonly level: string;
  readonly account: CreditsAccount | undefined;
}

/** How an account stands, after a server refused a voucher. `nextCeiling` pays for the request. */
export interface CreditsAccount {
  readonly holder: Address;
  readonly nextCeiling: bigint;
}

/** A plan for sale. `request` is what the request takes of it, and undefined where the plan alone is sold. */
export interface OrderOffer {
  readonly chainId: number;
  readonly credits: Address;
  readonly planId: bigint;
  readonly token: Token;
  readonly cost: bigint;
  readonly gives: bigint;
  readonly redeemer: Address;
  readonly seconds: number;
  readonly request: { readonly amount: bigint; readonly service: string; readonly level: string } | undefined;
  readonly account: CreditsAccount | undefined;
}

/** Read an offer of credits. Throws `InvalidMessage` for another scheme or a malformed offer. */
export function readCreditsOffer(offer: PaymentRequirements): CreditsOffer {
  const extra = readExtra(offer, CREDITS_SCHEME);
  return {
    chainId: readNetwork(offer.network),
    credits: readAddress(offer.asset, "asset"),
    planId: readPlanId(extra["planId"]),
    redeemer: readAddress(offer.payTo, "payTo"),
    amount: readUint(offer.amount, MAX_UINT64, "amount"),
    service: readDid(extra["service"], "service"),
    level: readText(extra["level"], "level"),
    account: readAccount(extra["account"]),
  };
}

/** Read an offer of a plan. Throws `InvalidMessage` for another scheme or a malformed offer. */
export function readOrderOffer(offer: PaymentRequirements): OrderOffer {
  const extra = readExtra(offer, ORDER_SCHEME);
  const address = readAddress(offer.asset, "asset");
  return {
    chainId: readNetwork(offer.network),
    credits: readAddress(offer.payTo, "payTo"),
    planId: readPlanId(extra["planId"]),
    token: { address, name: readText(extra["name"], "name"), version: readText(extra["version"], "version") },
    cost: readUint(offer.amount, MAX_UINT256, "amount"),
    gives: readUint(extra["credits"], MAX_UINT256, "credits"),
    redeemer: readAddress(extra["redeemer"], "redeemer"),
    seconds: readSeconds(offer.maxTimeoutSeconds),
    request: extra["service"] === undefined ? undefined : readRequest(extra),
    account: readAccount(extra["account"]),
  };
}

/** Return the offers of a scheme that can be read. */
export function readAll<Offer>(
  offers: readonly PaymentRequirements[],
  scheme: string,
  read: (offer: PaymentRequirements) => Offer,
): Offer[] {
  return offers.flatMap((offer) => {
    if (!isObject(offer) || offer.scheme !== scheme) return [];
    try {
      return [read(offer)];
    } catch {
      return []; // an offer that cannot be read is not one that can be paid
    }
  });
}

function readRequest(extra: Record<string, unknown>) {
  return {
    amount: readUint(extra["requestCredits"], MAX_UINT64, "requestCredits"),
    service: readDid(extra["service"], "service"),
    level: readText(extra["level"], "level"),
  };
}

function readExtra(offer: PaymentRequirements, scheme: string): Record<string, unknown> {
  if (offer.scheme !== scheme || !isObject(offer.extra)) {
    throw new InvalidMessage(`an offer is not one of the scheme ${scheme}`, "ask the seller to correct its server");
  }
  return offer.extra;
}

function readAccount(value: unknown): CreditsAccount | undefined {
  if (!isObject(value)) return undefined;
  const nextCeiling = readUint(value["nextCeiling"], MAX_UINT64, "nextCeiling");
  return { holder: readAddress(value["holder"], "holder"), nextCeiling };
}

function readSeconds(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidMessage("maxTimeoutSeconds is not a number of seconds", "ask the seller to correct its server");
  }
  return value;
}
