// A shop on express with the official middleware, whose facilitator is the one in SETTINGS.
import express from "express";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";

const settings = JSON.parse(process.env.SETTINGS);
const network = "eip155:31337";
const headers = { Authorization: `Bearer ${settings.token}` };
const facilitator = new HTTPFacilitatorClient({
  url: settings.facilitator,
  createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: headers }),
});
const server = new x402ResourceServer(facilitator).register(network, new ExactEvmScheme());
const price = { asset: settings.usdc, amount: settings.amount, extra: { name: "USDC", version: "2" } };
const accepts = [{ scheme: "exact", network, payTo: settings.payTo, price }];

const app = express();
app.use(paymentMiddleware({ "GET /answer": { accepts } }, server));
app.get("/answer", (request, response) => response.type("text/plain").send("42"));
const listener = app.listen(0, "127.0.0.1", () => console.log(listener.address().port));
