#!/bin/sh
# What the official TypeScript client of x402 does with schemes that are registered for `eip155:*` and for one chain.
#
# One would guess: a scheme for `eip155:*` pays on every chain, and registering another scheme for one chain adds to it.
# True: for each offer the client looks at one list of schemes only. It is the list with exactly the name of the chain if there is
#   one, and else the first whose pattern fits. So one scheme for `eip155:8453` hides all schemes for `eip155:*` on that chain.
#   The offer is refused, and the error lists the hidden scheme among those that are registered.
# Why it matters: a program that pays by `exact`, registered as the package's readme shows it, stops paying on a chain on the
#   day on which a plug-in for that chain is added. Our plug-in is registered for `eip155:*` too, unless it is told otherwise.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund '@x402/core@2.27.0'

cat > ask.mjs <<'EOF'
import { readFileSync } from "node:fs";
import { x402Client } from "@x402/core/client";

const { version } = JSON.parse(readFileSync("node_modules/@x402/core/package.json", "utf8"));
console.log("@x402/core", version);
const scheme = (name) => ({ scheme: name, createPaymentPayload: async (x402Version) => ({ x402Version, payload: {} }) });
const offer = {
  ...{ scheme: "exact", network: "eip155:8453", asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", amount: "1" },
  ...{ payTo: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", maxTimeoutSeconds: 60, extra: {} },
};
const required = { x402Version: 2, resource: { url: "https://shop.example.com/ask" }, accepts: [offer] };

async function pay(networks) {
  const client = new x402Client().setSpendControls(false).register("eip155:*", scheme("exact"));
  for (const network of networks) client.register(network, scheme("other"));
  try {
    return (await client.createPaymentPayload(required)).accepted.scheme;
  } catch (error) {
    return error.message.slice(0, 60);
  }
}

const found = { alone: await pay([]), wildcard: await pay(["eip155:*"]), chain: await pay(["eip155:8453"]) };
console.log("exact for eip155:* alone:", found.alone);
console.log("and another scheme for eip155:*:", found.wildcard);
console.log("and another scheme for eip155:8453:", found.chain);
if (found.alone !== "exact" || found.wildcard !== "exact") throw new Error("the wildcard does not pay any more");
if (!found.chain.startsWith("No network/scheme registered")) throw new Error("both lists are looked at now");
EOF
node ask.mjs
