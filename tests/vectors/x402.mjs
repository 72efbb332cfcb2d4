// Prints x402.json: headers of x402 version 2 as the official package for TypeScript writes them, and what it says of broken ones.
import assert from "node:assert/strict";
import {
  decodePaymentRequiredHeader,
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from "@x402/core/http";
import { PaymentPayloadV2Schema, PaymentRequiredV2Schema } from "@x402/core/schemas";
import { authorizationTypes } from "@x402/evm";
import { declareDiscoveryExtension } from "@x402/extensions/bazaar";
import { declarePaymentIdentifierExtension } from "@x402/extensions/payment-identifier";
import { buildSIWxSchema, createSIWxMessage, createSIWxPayload, encodeSIWxHeader } from "@x402/extensions/sign-in-with-x";
import { privateKeyToAccount } from "viem/accounts";

const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"; // anvil's second account
const ACCOUNT = privateKeyToAccount(KEY);
const TOKEN = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const SHOP = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const NONCE = `0x${"a5".repeat(32)}`;
const OFFER = {
  scheme: "exact", network: "eip155:84532", asset: TOKEN, amount: "10000", payTo: SHOP, maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
};
const RESOURCE = { url: "https://api.example.com/ask?q=1", description: "one question", mimeType: "application/json" };
const IDENTIFIER = { "payment-identifier": declarePaymentIdentifierExtension(false) };
const plain = (value) => JSON.parse(JSON.stringify(value));

// ---------------------------------------------------------------------- 402

const REQUIRED = [
  ["one offer", {}],
  ["without an error", { error: undefined }],
  ["only the URL of the resource", { resource: { url: "https://api.example.com/" } }],
  ["a resource with all fields", { resource: { ...RESOURCE, serviceName: "Tea", tags: ["tea", "green"], iconUrl: "https://api.example.com/tea.png" } }],
  ["text of other scripts", { resource: { ...RESOURCE, description: "茶 — ü 😀" } }],
  ["two offers", { accepts: [OFFER, { ...OFFER, amount: "20000", extra: { ...OFFER.extra, paymentFlow: "upfront" } }] }],
  ["an offer without extra", { accepts: [{ ...OFFER, extra: undefined }] }],
  ["extensions", { extensions: { ...IDENTIFIER, ...declareDiscoveryExtension({ input: { q: "x" } }) } }],
];
const required = REQUIRED.map(([name, changes]) => {
  const value = plain({ x402Version: 2, error: "Payment required", resource: RESOURCE, accepts: [OFFER], ...changes });
  const header = encodePaymentRequiredHeader(value);
  assert.deepEqual(decodePaymentRequiredHeader(header), value);
  PaymentRequiredV2Schema.parse(value);
  return { name, header, value };
});

// ---------------------------------------------------------------------- payments by signed transfers

const AUTHORIZATION = { from: ACCOUNT.address, to: SHOP, value: "10000", validAfter: "0", validBefore: "1800000300", nonce: NONCE };
const PAYMENTS = [
  ["as many will be", {}, {}],
  ["without the resource", { resource: undefined }, {}],
  ["with a name", { extensions: { "payment-identifier": { ...IDENTIFIER["payment-identifier"], info: { required: false, id: "pay_0123456789abcdef" } } } }, {}],
  ["with an extension sent back without a name", { extensions: IDENTIFIER }, {}],
  ["addresses in small letters", {}, { from: ACCOUNT.address.toLowerCase(), to: SHOP.toLowerCase() }],
  ["the largest value", {}, { value: (2n ** 256n - 1n).toString() }],
  ["a nonce in capital letters", {}, { nonce: `0x${"A5".repeat(32)}` }],
];
const payments = [];
for (const [name, changes, fields] of PAYMENTS) {
  const authorization = { ...AUTHORIZATION, ...fields };
  const signature = await ACCOUNT.signTypedData({
    domain: { name: "USDC", version: "2", chainId: 84532, verifyingContract: TOKEN },
    types: authorizationTypes,
    primaryType: "TransferWithAuthorization",
    message: authorization,
  });
  const value = plain({ x402Version: 2, payload: { authorization, signature }, accepted: OFFER, resource: RESOURCE, ...changes });
  const header = encodePaymentSignatureHeader(value);
  assert.deepEqual(decodePaymentSignatureHeader(header), value);
  PaymentPayloadV2Schema.parse(value);
  payments.push({ name, header, value });
}

// ---------------------------------------------------------------------- broken payments

const GOOD = plain({ x402Version: 2, payload: { authorization: AUTHORIZATION, signature: `0x${"11".repeat(65)}` }, accepted: OFFER, resource: RESOURCE });
const change = (changes) => ({ ...GOOD, ...changes });
const offer = (changes) => change({ accepted: { ...OFFER, ...changes } });
const authorize = (changes) => change({ payload: { ...GOOD.payload, authorization: { ...AUTHORIZATION, ...changes } } });
const PERMIT = { permit2Authorization: { from: ACCOUNT.address, permitted: { token: TOKEN, amount: "1" } }, signature: "0x11" };
/** The code, and whether the official model takes it for a payment. It does not read payloads. */
const BROKEN = [
  ["of version 1", change({ x402Version: 1 }), "invalid_x402_version"],
  ["without a version", change({ x402Version: undefined }), "invalid_x402_version"],
  ["of a version as text", change({ x402Version: "2" }), "invalid_x402_version"],
  ["of a version with a fraction", change({ x402Version: 2.5 }), "invalid_x402_version"],
  ["without an offer", change({ accepted: undefined }), "invalid_payload"],
  ["an offer without an amount", offer({ amount: undefined }), "invalid_payload"],
  ["an offer without an asset", offer({ asset: undefined }), "invalid_payload"],
  ["an offer whose amount is a number", offer({ amount: 10000 }), "invalid_payload"],
  ["an offer without a time", offer({ maxTimeoutSeconds: undefined }), "invalid_payload"],
  ["an offer whose time is a text", offer({ maxTimeoutSeconds: "300" }), "invalid_payload"],
  ["an offer that is a list", change({ accepted: [] }), "invalid_payload"],
  ["an offer of an unknown scheme", offer({ scheme: "upto" }), "unsupported_scheme", true],
  ["without a payload", change({ payload: undefined }), "invalid_payload"],
  ["a payload that is a text", change({ payload: "x" }), "invalid_payload"],
  ["an empty payload", change({ payload: {} }), "invalid_payload", true],
  ["a transfer by Permit2", change({ payload: PERMIT }), "unsupported_payload_type", true],
  ["without a signature", change({ payload: { authorization: AUTHORIZATION } }), "invalid_payload", true],
  ["a value with a sign", authorize({ value: "-1" }), "invalid_payload", true],
  ["a value in hexadecimal digits", authorize({ value: "0x10" }), "invalid_payload", true],
  ["a value with a zero in front", authorize({ value: "010000" }), "invalid_payload", true],
  ["a value with a fraction", authorize({ value: 10000.5 }), "invalid_payload", true],
  ["a value that is true", authorize({ value: true }), "invalid_payload", true],
  ["a value of 257 bits", authorize({ value: (2n ** 256n).toString() }), "invalid_payload", true],
  ["a short nonce", authorize({ nonce: "0x11" }), "invalid_payload", true],
  ["an address with a wrong checksum", authorize({ from: ACCOUNT.address.replace("C8", "c8") }), "invalid_payload", true],
  ["a payee that is the zero address", authorize({ to: `0x${"0".repeat(40)}` }), "invalid_payload", true],
  ["a payment that is a list", [], "invalid_payload"],
  ["a payment that is null", null, "invalid_payload"],
];
const broken = BROKEN.map(([name, value, code, isModel = false]) => {
  const told = plain(value ?? null);
  assert.equal(PaymentPayloadV2Schema.safeParse(told).success, isModel, name);
  return { name, header: Buffer.from(JSON.stringify(told)).toString("base64"), code };
});

// ---------------------------------------------------------------------- answers, and sign-ins

const RESPONSES = [
  ["paid", { success: true, payer: ACCOUNT.address, transaction: `0x${"ab".repeat(32)}`, network: "eip155:84532", amount: "10000" }],
  ["refused", { success: false, errorReason: "insufficient_funds", transaction: "", network: "eip155:84532" }],
];
const responses = RESPONSES.map(([name, value]) => ({ name, header: encodePaymentResponseHeader(value), value }));

const INFO = {
  domain: "api.example.com", uri: "https://api.example.com/ask", version: "1", nonce: "8e52e0cad11f22b3f1bb3e21f87339d2",
  issuedAt: "2027-01-15T08:00:00Z", expirationTime: "2027-01-15T08:10:00Z", resources: [`did:nv:${"7".padStart(64, "0")}`],
  chainId: "eip155:84532", type: "eip191",
};
const SIGN_INS = [
  ["as many will be", {}],
  ["with a statement", { statement: "Sign in to use this service." }],
  ["with all fields", { statement: "Hello.", notBefore: "2027-01-15T08:00:01Z", requestId: "r1" }],
  ["without resources", { resources: undefined }],
];
const signIns = [];
for (const [name, changes] of SIGN_INS) {
  const info = plain({ ...INFO, ...changes });
  const payload = await createSIWxPayload(info, ACCOUNT, "https://api.example.com/ask");
  signIns.push({ name, header: encodeSIWxHeader(payload), message: createSIWxMessage(info, ACCOUNT.address), signature: payload.signature });
}

const extensions = {
  "payment-identifier": declarePaymentIdentifierExtension(false),
  "sign-in-with-x": { schema: buildSIWxSchema() },
};
console.log(JSON.stringify({ key: KEY, account: ACCOUNT.address, required, payments, broken, responses, signIns, extensions }, null, 2));
