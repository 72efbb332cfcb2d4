// A buyer's program in strict TypeScript: what the readme shows, with viem's own account and public client.
import { FileStore } from "@nvm-chain/x402/file";
import { Payer, PaymentNotAllowed, type Budget, type Store } from "@nvm-chain/x402";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { createPublicClient, createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { base } from "viem/chains";

const account = privateKeyToAccount(`0x${"11".repeat(32)}`);
const credits = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const budgets: Budget[] = [{ planId: "9", token: credits, inAll: 20_000_000n }];
const store: Store = new FileStore("never-written.json");
const reader = createPublicClient({ chain: base, transport: http() });
const payer = new Payer({
  account,
  network: "eip155:8453",
  credits,
  limits: { perRequest: 5n, inAll: 100n },
  budgets,
  store,
  reader,
  otherControls: { allowedAssets: [{ network: "eip155:8453", asset: "USDC", maxAmountPerPayment: "10000" }] },
});
const client: x402Client = payer.register(new x402Client().register("eip155:*", new ExactEvmScheme(account)));
const paid: typeof fetch = wrapFetchWithPayment(payer.bind(fetch), client);
const wallet = createWalletClient({ account, chain: base, transport: http() });
const other = new Payer({
  account: { address: wallet.account.address, signTypedData: (data) => wallet.signTypedData(data) },
  network: "eip155:8453",
  credits,
  limits: { perRequest: 1n, inAll: 1n },
});
const error: unknown = new PaymentNotAllowed(["it is a test"]);
const text: string = error instanceof PaymentNotAllowed ? error.reasons.join() : "";
console.log(JSON.stringify({ holder: payer.holder, other: other.holder, text, paid: typeof paid }));
