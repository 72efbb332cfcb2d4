// A buyer with the official fetch client, and the official facilitator client, both unmodified.
import { privateKeyToAccount } from "viem/accounts";
import { wrapFetchWithPayment, x402Client, decodePaymentResponseHeader } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { HTTPFacilitatorClient } from "@x402/core/server";

const settings = JSON.parse(process.env.SETTINGS);
const account = privateKeyToAccount(settings.key);
const client = new x402Client().register("eip155:*", new ExactEvmScheme(account));
client.setSpendControls(false);
const answer = await wrapFetchWithPayment(fetch, client)(settings.url);
const receipt = decodePaymentResponseHeader(answer.headers.get("PAYMENT-RESPONSE"));

const headers = { Authorization: `Bearer ${settings.token}` };
const facilitator = new HTTPFacilitatorClient({
  url: settings.facilitator,
  createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: headers }),
});
const required = settings.required;
const asked = { x402Version: 2, resource: { url: settings.url }, accepts: [required] };
const payment = await client.createPaymentPayload(asked);
const verified = await facilitator.verify(payment, required);
const settled = await facilitator.settle(payment, required);
const again = await facilitator.settle(payment, required);
const supported = await facilitator.getSupported();
console.log(JSON.stringify({ status: answer.status, body: await answer.text(), receipt, verified, settled, again, supported }));
