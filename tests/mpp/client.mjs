// The official TypeScript client of MPP sends one request, pays what is asked for, and prints what it got.
import { readFileSync } from "node:fs";
import { Receipt } from "mppx";
import { Mppx } from "mppx/client";
import { charge } from "mppx/evm/client";
import { privateKeyToAccount } from "viem/accounts";

const { url, key, token, chainId, authorization, method = "POST", body, x402 } = JSON.parse(readFileSync(0, "utf8"));
const asked = [];
const watched = async (input, init) => {
  const answer = await fetch(input, init);
  const headers = new Headers(init?.headers);
  asked.push({ status: answer.status, paid: headers.has("authorization"), byX402: headers.has("payment-signature") });
  return answer;
};
const options = { currencies: [token], networks: [chainId], decimals: 6, maxAmount: "0.02", authorization };
const methods = [charge({ account: privateKeyToAccount(key), ...options })];
const orderChallenges = x402 ? (candidates) => candidates.toReversed() : undefined;
const client = Mppx.create({ methods, fetch: watched, polyfill: false, orderChallenges });
const answer = await client.fetch(url, { method, ...(body === undefined ? {} : { body }) });
const text = await answer.text();
const header = answer.headers.get("payment-receipt");
const receipt = header ? Receipt.deserialize(header) : null;
process.stdout.write(JSON.stringify({ status: answer.status, text, receipt, asked, headers: Object.fromEntries(answer.headers) }));
