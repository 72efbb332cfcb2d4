// Prints sign_ins.json: sign-in messages of EIP-4361 and their signatures, by viem; ethers has to agree.
import assert from "node:assert/strict";
import * as ethers from "ethers";
import { hashMessage } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { createSiweMessage, parseSiweMessage } from "viem/siwe";

const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"; // anvil's second account
const ACCOUNT = privateKeyToAccount(KEY);
const DID = `did:nv:${"7".padStart(64, "0")}`;
const second = (number) => new Date(number * 1000);

const PLAIN = {
  address: ACCOUNT.address,
  chainId: 8453,
  domain: "api.example.com",
  nonce: "8e52e0cad11f22b3f1bb3e21f87339d2",
  uri: "https://api.example.com",
  version: "1",
  issuedAt: second(1800000000),
  expirationTime: second(1800000600),
  resources: [DID],
};
const CASES = [
  ["a message as many will be", {}],
  ["with a scheme", { scheme: "https" }],
  ["with a statement", { statement: "Sign in to use this service." }],
  ["with the number of periods", { statement: "Sign in to use this service. Open at most 2 access periods." }],
  ["with a path", { uri: "https://api.example.com/services/ask?q=1" }],
  ["with a port", { domain: "localhost:8402", uri: "http://localhost:8402", scheme: "http" }],
  ["with a time before which it is not valid", { notBefore: second(1800000001) }],
  ["with a request id", { requestId: "request-1" }],
  ["with another resource", { resources: [DID, "https://example.com/terms?v=2#top"] }],
  ["with the shortest nonce", { nonce: "a1B2c3D4" }],
  ["on chain 1", { chainId: 1 }],
  ["with everything", { scheme: "https", statement: "Hello.", notBefore: second(1800000001), requestId: "r", resources: [DID, "urn:a:b"] }],
];

const vectors = [];
for (const [name, changes] of CASES) {
  const fields = { ...PLAIN, ...changes };
  const text = createSiweMessage(fields);
  assert.equal(createSiweMessage({ ...parseSiweMessage(text), version: "1" }), text);
  const signature = await ACCOUNT.signMessage({ message: text });
  assert.equal(ethers.verifyMessage(text, signature), ACCOUNT.address);
  const digest = hashMessage(text);
  assert.equal(digest, ethers.hashMessage(text));
  vectors.push({ name, fields, text, digest, signature });
}
const about = ["Each message's fields, its text, the hash of the text with the prefix of EIP-191, and the signature by the key."];
console.log(JSON.stringify({ about, key: KEY, signer: ACCOUNT.address, vectors }, null, 1));
