// Prints how long a payment takes to build, at the median: in all, and the signature alone. Run by `npm run bench`.
import { privateKeyToAccount } from "viem/accounts";

import { Payer } from "../dist/index.js";

const ROUNDS = 400;
const WARM = 100;
const CREDITS = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const DID = `did:nv:${"0".repeat(63)}7`;
const account = privateKeyToAccount(`0x${"11".repeat(32)}`);
const limits = { perRequest: 5n, inAll: 1_000_000n };
const payer = new Payer({ account, network: "eip155:31337", credits: CREDITS, limits });
const offer = {
  ...{ scheme: "nvm-credits", network: "eip155:31337", asset: CREDITS, amount: "2", maxTimeoutSeconds: 60 },
  payTo: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
  extra: { planId: "9", service: DID, level: "full" },
};
const request = { method: "POST", url: `https://gateway.example.com/services/${DID}/ask` };
const body = new TextEncoder().encode("x".repeat(1_000));

async function measure(work) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    await work();
    if (round >= WARM) times.push(performance.now() - begin);
  }
  return times.sort((one, other) => one - other)[times.length >> 1].toFixed(2);
}

const build = () => {
  const { extensions } = payer.note({ x402Version: 2, resource: { url: request.url }, accepts: [offer] }, request, body);
  return payer.credits.createPaymentPayload(2, offer, { extensions });
};
console.log(`a payment: ${await measure(build)} ms`);
console.log(`of which the signature: ${await measure(() => account.sign({ hash: `0x${"12".repeat(32)}` }))} ms`);
