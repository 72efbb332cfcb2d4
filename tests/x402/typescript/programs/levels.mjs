// Pays with a client that does not show the plug-in its requests, and with one that gives it the 402 and the request itself.
import { x402Client, x402HTTPClient } from "@x402/core/client";
import { attempt, createFetch, createPayer, post, print, settings, watch } from "./setup.mjs";

const log = [];
const stock = createFetch(createPayer(), { bound: false, fetch: watch(log) });
const unbound = await attempt(() => stock(`${settings.url}/ask`, post("unseen")));

const payer = createPayer();
const client = new x402HTTPClient(payer.register(new x402Client()));
const request = { method: "POST", url: `${settings.url}/ask`, body: "seen" };
const first = await fetch(request.url, request);
const required = client.getPaymentRequiredResponse((name) => first.headers.get(name));
const noted = payer.note(required, request, new TextEncoder().encode(request.body));
const payment = await client.createPaymentPayload(noted);
const second = await attempt(() => fetch(request.url, { ...request, headers: client.encodePaymentSignatureHeader(payment) }));
print({ unbound, log, second, sent: payment });
