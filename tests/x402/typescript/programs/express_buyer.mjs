// Asks routes of a shop: with the plug-in, and with the official exact scheme beside it. All within the spend controls.
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { x402Client } from "@x402/fetch";
import { account, attempt, createFetch, createPayer, print, settings, watch } from "./setup.mjs";

const log = [];
const { network, usdc, budget, planId } = settings;
const payer = createPayer({
  budgets: budget ? [{ planId, token: usdc, inAll: BigInt(budget) }] : [],
  otherControls: { allowedAssets: [{ network, asset: usdc, maxAmountPerPayment: "10000" }] },
});
const client = new x402Client().register("eip155:*", new ExactEvmScheme(account));
const paid = createFetch(payer, { client, fetch: watch(log) });
const answers = [];
for (const path of settings.paths) answers.push(await attempt(() => paid(`${settings.shop}${path}`)));
print({ answers, log });
