/** Vouchers: a holder signs a number of credits that a redeemer may take (EIP-712). */
import { hashTypedData, type Address, type Hex } from "viem";

export const VOUCHER_TYPES = {
  Voucher: [
    { name: "planId", type: "uint256" },
    { name: "holder", type: "address" },
    { name: "redeemer", type: "address" },
    { name: "ceiling", type: "uint64" },
    { name: "context", type: "bytes32" },
    { name: "deadline", type: "uint64" },
  ],
} as const;

/** The account that signs. Every local account of viem is one. */
export interface Signer {
  readonly address: Address;
  signTypedData(data: {
    domain: { name: string; version: string; chainId: number; verifyingContract: Address };
    types: Record<string, readonly { name: string; type: string }[]>;
    primaryType: string;
    message: Record<string, unknown>;
  }): Promise<Hex>;
}

/** The Credits contract and its chain. */
export interface CreditsContract {
  readonly chainId: number;
  readonly credits: Address;
}

/** A voucher. `ceiling` is the highest number of settled credits that it allows: a total, and not the cost of a request. */
export interface Voucher {
  readonly planId: bigint;
  readonly holder: Address;
  readonly redeemer: Address;
  readonly ceiling: bigint;
  readonly context: Hex;
  /** The last Unix second in which the voucher is valid. */
  readonly deadline: bigint;
}

/** A signed voucher as JSON. Numbers are decimal text. */
export interface SignedVoucher extends Record<string, string> {
  type: "nvm_chain.voucher.v1";
  planId: string;
  holder: Address;
  redeemer: Address;
  ceiling: string;
  context: Hex;
  deadline: string;
  signature: Hex;
}

function voucherData(voucher: Voucher, { chainId, credits }: CreditsContract) {
  return {
    domain: { name: "nvm_chain Credits", version: "1", chainId, verifyingContract: credits },
    types: VOUCHER_TYPES,
    primaryType: "Voucher" as const,
    message: { ...voucher },
  };
}

/** Return the 32 bytes that the holder of a voucher signs. */
export function hashVoucher(voucher: Voucher, contract: CreditsContract): Hex {
  return hashTypedData(voucherData(voucher, contract));
}

/** Sign a voucher as its holder. */
export async function signVoucher(signer: Signer, voucher: Voucher, contract: CreditsContract): Promise<SignedVoucher> {
  const signature = await signer.signTypedData(voucherData(voucher, contract));
  return {
    type: "nvm_chain.voucher.v1",
    planId: voucher.planId.toString(),
    holder: voucher.holder,
    redeemer: voucher.redeemer,
    ceiling: voucher.ceiling.toString(),
    context: voucher.context,
    deadline: voucher.deadline.toString(),
    signature,
  };
}
