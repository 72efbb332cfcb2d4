// A shop on express with the official middleware, unmodified: one route for each scheme, and the facilitator in SETTINGS.
import { CreditsServerScheme, OrderServerScheme, sellPlan, takeCredits } from "@nvm-chain/x402/server";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express from "express";

const settings = JSON.parse(process.env.SETTINGS);
const { network, usdc, payTo } = settings;
const headers = { Authorization: `Bearer ${settings.token}` };
const facilitator = new HTTPFacilitatorClient({
  url: settings.facilitator,
  createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: headers }),
});
const server = new x402ResourceServer(facilitator)
  .register(network, new ExactEvmScheme())
  .register(network, new CreditsServerScheme())
  .register(network, new OrderServerScheme());
const exact = { scheme: "exact", network, payTo, price: { asset: usdc, amount: "10000", extra: { name: "USDC", version: "2" } } };
const routes = { "GET /exact": { accepts: [exact] } };
if (settings.plan) {
  const { planId, credits, redeemer, amount, gives } = settings.plan;
  const token = { address: usdc, name: "USDC", version: "2" };
  const price = { network, credits, planId, redeemer, token, amount: BigInt(amount), gives: BigInt(gives) };
  routes["GET /plan"] = { accepts: [sellPlan(price)] };
}
if (settings.service) {
  const { planId, credits, redeemer, did } = settings.service;
  routes["GET /credits"] = { accepts: [takeCredits({ network, credits, planId, redeemer, amount: 2n, service: did })] };
}

const app = express();
app.use(paymentMiddleware(routes, server));
let served = 0;
app.get(/.*/, (request, response) => response.json({ path: request.path, served: ++served }));
const listener = app.listen(0, "127.0.0.1", () => console.log(listener.address().port));
