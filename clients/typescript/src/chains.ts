/** What the chain knows of an account, by a public client of viem. */
import type { Address, Hex } from "viem";

import type { SignedOrder } from "./orders.js";
import { orderNonce } from "./orders.js";
import type { CreditsContract } from "./vouchers.js";

const ACCOUNT_OF = {
  type: "function",
  name: "accountOf",
  stateMutability: "view",
  inputs: [
    { name: "planId", type: "uint256" },
    { name: "holder", type: "address" },
  ],
  outputs: [
    {
      name: "account",
      type: "tuple",
      components: [
        { name: "balance", type: "uint256" },
        { name: "settled", type: "uint256" },
        { name: "accessUntil", type: "uint256" },
        { name: "trialTaken", type: "bool" },
      ],
    },
  ],
} as const;
const AUTHORIZATION_STATE = {
  type: "function",
  name: "authorizationState",
  stateMutability: "view",
  inputs: [
    { name: "authorizer", type: "address" },
    { name: "nonce", type: "bytes32" },
  ],
  outputs: [{ name: "used", type: "bool" }],
} as const;

/** A client that reads contracts. Every public client of viem is one. */
export interface ContractReader {
  readContract(call: {
    address: Address;
    abi: readonly unknown[];
    functionName: string;
    args: readonly unknown[];
  }): Promise<unknown>;
}

/** Return the credits of a holder that settlements have taken on a plan. */
export async function readSettled(
  reader: ContractReader,
  { credits }: CreditsContract,
  planId: bigint,
  holder: Address,
): Promise<bigint> {
  const call = { address: credits, abi: [ACCOUNT_OF], functionName: "accountOf", args: [planId, holder] };
  return ((await reader.readContract(call)) as { settled: bigint }).settled;
}

/** Return whether an order was made or cancelled. After its last second, one that was not can never be made. */
export async function isOrderUsed(
  reader: ContractReader,
  contract: CreditsContract,
  order: SignedOrder,
): Promise<boolean> {
  const nonce: Hex = orderNonce(
    {
      planId: BigInt(order.planId),
      payer: order.payer,
      receiver: order.receiver,
      quantity: BigInt(order.quantity),
      maxCost: BigInt(order.maxCost),
      validAfter: BigInt(order.validAfter),
      validBefore: BigInt(order.validBefore),
      salt: order.salt,
    },
    contract,
  );
  const call = { address: order.token, abi: [AUTHORIZATION_STATE], functionName: "authorizationState" };
  return (await reader.readContract({ ...call, args: [order.payer, nonce] })) === true;
}
