// Prints mpp.json: challenges, credentials of charges and receipts of MPP, as the official TypeScript package writes them.
import assert from "node:assert/strict";
import { BodyDigest, Challenge, Credential, PaymentRequest, Receipt } from "mppx";
import * as viem from "viem";
import { privateKeyToAccount } from "viem/accounts";

const SECRET = "a secret of challenges";
const account = privateKeyToAccount(`0x${"0b".repeat(32)}`);
const TOKEN = { name: "USDC", version: "2", chainId: 31337, verifyingContract: "0x5FbDB2315678afecb367f032d93F642f64180aa3" };
const PAYEE = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const PLAIN = {
  realm: "gateway.example.com",
  method: "evm",
  intent: "charge",
  request: {
    amount: "10000",
    currency: TOKEN.verifyingContract,
    recipient: PAYEE,
    methodDetails: { chainId: 31337, credentialTypes: ["authorization"], decimals: 6 },
  },
  expires: "2030-01-01T00:00:00Z",
};
const CASES = [
  ["a charge as many will be", {}],
  ["a charge for a body", { digest: BodyDigest.compute('{"q":"tea"}') }],
  ["a digest as RFC 9530 writes it", { digest: "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:" }],
  ["data of the server", { meta: { plan: "255", resource: "sha-256:00" } }],
  ["data with names to sort", { meta: { z: "1", a: "2", "é": "3" } }],
  ["a description", { description: 'Tea "and" \\ coffee' }],
  ["no end", { expires: undefined }],
  ["a port in the realm", { realm: "127.0.0.1:8402" }],
  ["the largest amount", { request: { ...PLAIN.request, amount: (2n ** 256n - 1n).toString() } }],
  ["everything", { digest: BodyDigest.compute(""), meta: { plan: "1" }, description: "Answers" }],
];

async function sign(challenge) {
  const nonce = viem.keccak256(viem.stringToBytes(`${challenge.id}${challenge.realm}`));
  const validBefore = challenge.expires ? String(Date.parse(challenge.expires) / 1000) : "1900000000";
  const { amount: value } = challenge.request;
  const message = { from: account.address, to: PAYEE, value: BigInt(value), validAfter: 0n, validBefore: BigInt(validBefore), nonce };
  const fields = ["address from", "address to", "uint256 value", "uint256 validAfter", "uint256 validBefore", "bytes32 nonce"];
  const types = { TransferWithAuthorization: fields.map((field) => { const [type, name] = field.split(" "); return { name, type }; }) };
  const signature = await account.signTypedData({ domain: TOKEN, types, primaryType: "TransferWithAuthorization", message });
  return { type: "authorization", from: account.address, to: PAYEE, value, validAfter: "0", validBefore, nonce, signature };
}

async function build(name, changes) {
  const challenge = Challenge.from({ ...PLAIN, ...changes, secretKey: SECRET });
  const header = Challenge.serialize(challenge);
  const { meta: _, ...read } = Challenge.deserialize(header);
  const { meta: __, ...made } = challenge;
  assert.deepEqual(read, made);
  const payload = await sign(challenge);
  const source = `did:pkh:eip155:31337:${account.address}`;
  const credential = Credential.serialize(Credential.from({ challenge, payload, source }));
  const receipt = Receipt.serialize(Receipt.from({
    method: "evm", challengeId: challenge.id, reference: `0x${"ab".repeat(32)}`, chainId: 31337, status: "success", timestamp: "2029-12-31T23:59:59Z",
  }));
  const { id, realm, method, intent, expires = "", digest = "", opaque = "", description = "" } = challenge;
  const terms = [realm, method, intent, PaymentRequest.serialize(challenge.request), expires, digest, opaque];
  return { name, header, id, terms, description, request: challenge.request, credential, payload, source, receipt };
}

const vectors = [];
for (const [name, changes] of CASES) vectors.push(await build(name, changes));
process.stdout.write(`${JSON.stringify({ secret: SECRET, token: TOKEN, vectors }, null, 1)}\n`);
