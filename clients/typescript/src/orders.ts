/**
 * Signed orders: a payer signs the token's `ReceiveWithAuthorization` (EIP-3009), which only Credits can use. Its nonce is a
 * hash of the whole order, so nobody can change the order.
 */
import { encodeAbiParameters, hashTypedData, keccak256, type Address, type Hex } from "viem";

import type { CreditsContract, Signer } from "./vouchers.js";

export const RECEIVE_TYPES = {
  ReceiveWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

/** The token that pays, with the name and the version of its EIP-712 domain. */
export interface Token {
  readonly address: Address;
  readonly name: string;
  readonly version: string;
}

/** An order of a plan. `maxCost` is in base units of the token. */
export interface Order {
  readonly planId: bigint;
  readonly payer: Address;
  readonly receiver: Address;
  readonly quantity: bigint;
  readonly maxCost: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly salt: Hex;
}

/** A signed order as JSON. Numbers are decimal text. */
export interface SignedOrder extends Record<string, string> {
  type: "nvm_chain.order.v1";
  chainId: string;
  contract: Address;
  token: Address;
  tokenName: string;
  tokenVersion: string;
  planId: string;
  payer: Address;
  receiver: Address;
  quantity: string;
  maxCost: string;
  validAfter: string;
  validBefore: string;
  salt: Hex;
  signature: Hex;
}

const NONCE_FIELDS = [
  ...[{ type: "uint256" }, { type: "address" }, { type: "uint256" }, { type: "address" }],
  ...[{ type: "address" }, { type: "uint256" }, { type: "uint256" }, { type: "bytes32" }],
] as const;

/** Return the nonce of an order's authorization, 32 bytes. */
export function orderNonce(order: Order, { chainId, credits }: CreditsContract): Hex {
  const where = [BigInt(chainId), credits, order.planId, order.payer, order.receiver] as const;
  return keccak256(encodeAbiParameters(NONCE_FIELDS, [...where, order.quantity, order.maxCost, order.salt]));
}

function orderData(order: Order, token: Token, contract: CreditsContract) {
  return {
    domain: { name: token.name, version: token.version, chainId: contract.chainId, verifyingContract: token.address },
    types: RECEIVE_TYPES,
    primaryType: "ReceiveWithAuthorization" as const,
    message: {
      from: order.payer,
      to: contract.credits,
      value: order.maxCost,
      validAfter: order.validAfter,
      validBefore: order.validBefore,
      nonce: orderNonce(order, contract),
    },
  };
}

/** Return the 32 bytes that the payer of an order signs. */
export function hashOrder(order: Order, token: Token, contract: CreditsContract): Hex {
  return hashTypedData(orderData(order, token, contract));
}

/** Sign an order as its payer. Anyone who has the result can make the order once, for at most `maxCost`. */
export async function signOrder(
  signer: Signer,
  order: Order,
  token: Token,
  contract: CreditsContract,
): Promise<SignedOrder> {
  const signature = await signer.signTypedData(orderData(order, token, contract));
  return {
    type: "nvm_chain.order.v1",
    chainId: contract.chainId.toString(),
    contract: contract.credits,
    token: token.address,
    tokenName: token.name,
    tokenVersion: token.version,
    planId: order.planId.toString(),
    payer: order.payer,
    receiver: order.receiver,
    quantity: order.quantity.toString(),
    maxCost: order.maxCost.toString(),
    validAfter: order.validAfter.toString(),
    validBefore: order.validBefore.toString(),
    salt: order.salt,
    signature,
  };
}
