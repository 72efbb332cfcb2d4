// Buys a plan at its own URL by an order, and pays for single requests by the official scheme exact, beside the plug-in.
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { x402Client } from "@x402/fetch";
import { account, attempt, createFetch, createPayer, post, print, settings, watch } from "./setup.mjs";

const { url, orderUrl, network, usdc, planId } = settings;
const logs = { order: [], exact: [], used: [] };
const budgets = [{ planId, token: usdc, inAll: 20_000_000n }];
const ordering = createFetch(createPayer({ budgets }), { fetch: watch(logs.order) });
const order = await attempt(() => ordering(orderUrl, { method: "POST" }));

const otherControls = { allowedAssets: [{ network, asset: usdc, maxAmountPerPayment: "20000000" }] };
const stock = () => new x402Client().register("eip155:*", new ExactEvmScheme(account));
const plans = ["7"]; // a plan that nobody offers, so that the credits which were bought are not used
const limits = { perRequest: 5n, inAll: 100n, plans };
const paying = createFetch(createPayer({ otherControls, limits }), { client: stock(), fetch: watch(logs.exact) });
const exact = [await attempt(() => paying(`${url}/ask`, post("one"))), await attempt(() => paying(`${url}/ask`, post("two")))];
print({ order, exact, logs });
