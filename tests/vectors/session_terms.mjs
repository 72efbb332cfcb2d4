// Prints session_terms.json: the text of sessions' terms and its hash, by plain JavaScript with viem and ethers.
import assert from "node:assert/strict";
import * as ethers from "ethers";
import * as viem from "viem";

const HOLDER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"; // anvil's second account
const USER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const U64 = (2n ** 64n - 1n).toString();
const did = (number) => `did:nv:${BigInt(number).toString(16).padStart(64, "0")}`;

function inWords(seconds) {
  const parts = [];
  for (const [noun, size] of [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]) {
    const count = Math.floor(seconds / size);
    seconds %= size;
    if (count) parts.push(`${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ");
}

const date = (second) => `${new Date(second * 1000).toISOString().replace("T", " ").slice(0, 19)} UTC (${second})`;

const writeText = (terms) => `Session of nvm_chain, version 1

Requests may be paid with my credits, within these limits:
Plan: ${terms.plan}
Holder: ${terms.holder}
Used by: ${terms.user === terms.holder ? "the holder" : terms.user}
Services: ${terms.services.length ? terms.services.join(", ") : "every service of the plan"}
Credits in all: at most ${terms.limit}
Credits for each request: ${terms.perRequest === null ? "no other limit" : `at most ${terms.perRequest}`}
Credits for each period: ${terms.perPeriod === null ? "no other limit" : `at most ${terms.perPeriod} in ${inWords(terms.periodSeconds)} (${terms.periodSeconds} seconds)`}
Ends after: ${date(terms.end)}

The seller of the service counts the credits. A revocation of the session is a promise of the seller.`;

const PLAIN = {
  plan: did("108303219871395214096773235683544340339016986917500791532624396236152219990067"),
  holder: HOLDER,
  user: HOLDER,
  services: [],
  limit: "100",
  perRequest: null,
  perPeriod: null,
  periodSeconds: null,
  end: 1800000000,
};
const CASES = [
  ["a session as many will be", {}],
  ["an allowance", { user: USER }],
  ["one service", { services: [did(7)] }],
  ["two services", { services: [did(7), did(10)] }],
  ["a limit for each request", { perRequest: "5" }],
  ["a limit for each day", { perPeriod: "20", periodSeconds: 86400 }],
  ["a period of everything", { perPeriod: "1", periodSeconds: 2 * 86400 + 3600 + 61 }],
  ["a period of one second", { perPeriod: "1", periodSeconds: 1 }],
  ["the longest period", { perPeriod: U64, periodSeconds: 2 ** 32 - 1 }],
  ["the largest limits", { limit: U64, perRequest: U64 }],
  ["the smallest limits", { limit: "1", perRequest: "1" }],
  ["the first end", { end: 0 }],
  ["the last end", { end: 253402300799 }],
  ["a leap day", { end: 1835395199 }],
  ["everything at once", { user: USER, services: [did(1), did(2n ** 256n - 1n)], perRequest: "2", perPeriod: "10", periodSeconds: 3600 }],
];

const vectors = CASES.map(([name, changes]) => {
  const terms = { ...PLAIN, ...changes };
  const text = writeText(terms);
  const context = viem.keccak256(viem.stringToBytes(text));
  assert.equal(context, ethers.keccak256(ethers.toUtf8Bytes(text)));
  return { name, terms, text, context };
});
const about = ["Each session's terms, the text that a person reads, and keccak-256 of the text, which is the context of the voucher."];
console.log(JSON.stringify({ about, vectors }, null, 1));
