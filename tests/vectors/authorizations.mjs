// Prints authorization_nonces.json: nonces of signed orders and what the payer and a permit's owner sign, by viem and ethers.
import assert from "node:assert/strict";
import * as ethers from "ethers";
import * as viem from "viem";
import { sign } from "viem/accounts";

const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"; // anvil's second account
const SIGNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const RECEIVER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"; // the first of anvil's first account
const USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const FIRST = "0x0000000000000000000000000000000000000001";
const LAST = viem.getAddress(`0x${"ff".repeat(20)}`);
const U256 = (2n ** 256n - 1n).toString();
const word = (value) => viem.toHex(BigInt(value), { size: 32 });

const members = (text) => text.split(",").map((member) => ({ type: member.split(" ")[0], name: member.split(" ")[1] }));
const RECEIVE = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce";
const PERMIT = "address owner,address spender,uint256 value,uint256 nonce,uint256 deadline";
const NONCE_TYPES = ["uint256", "address", "uint256", "address", "address", "uint256", "uint256", "bytes32"];

const PLAIN = {
  chainId: "31337",
  contract: CONTRACT,
  tokenName: "USDC",
  tokenVersion: "2",
  planId: "108303219871395214096773235683544340339016986917500791532624396236152219990067",
  payer: SIGNER,
  receiver: RECEIVER,
  quantity: "1",
  maxCost: "20000000",
  validAfter: "0",
  validBefore: "1893456000",
  salt: viem.keccak256(viem.stringToHex("a salt")),
};
const CASES = [
  ["an order as many will be", {}],
  ["plan id zero", { planId: "0" }],
  ["the largest plan id", { planId: U256 }],
  ["the first address as payer", { payer: FIRST }],
  ["the last address as payer", { payer: LAST }],
  ["the payer as receiver", { receiver: SIGNER }],
  ["the last address as receiver", { receiver: LAST }],
  ["payer and receiver the other way round", { payer: RECEIVER, receiver: SIGNER }],
  ["quantity zero", { quantity: "0" }],
  ["quantity two", { quantity: "2" }],
  ["the largest quantity", { quantity: U256 }],
  ["max cost zero", { maxCost: "0" }],
  ["the largest max cost", { maxCost: U256 }],
  ["quantity and max cost the other way round", { quantity: "20000000", maxCost: "1" }],
  ["salt zero", { salt: word(0) }],
  ["salt one", { salt: word(1) }],
  ["the largest salt", { salt: word(U256) }],
  ["the last contract", { contract: LAST }],
  ["the largest times", { validAfter: U256, validBefore: U256 }],
  ["another token name", { tokenName: "USD Coin" }],
  ["another token version", { tokenVersion: "1" }],
  ["a token name beyond ASCII", { tokenName: "Евро€" }],
  ["a token without name and version", { tokenName: "", tokenVersion: "" }],
  [
    "the largest of everything",
    { chainId: U256, contract: LAST, planId: U256, payer: LAST, receiver: LAST, quantity: U256, maxCost: U256, salt: word(U256) },
  ],
  ...["0", "1", "8453", "84532", "18446744073709551615"].map((chainId) => [`on chain ${chainId}`, { chainId }]),
];
const PERMITS = [
  ["a permit as many will be", {}],
  ["value zero", { value: "0" }],
  ["the largest value", { value: U256 }],
  ["nonce one", { nonce: "1" }],
  ["the largest nonce", { nonce: U256 }],
  ["deadline zero", { deadline: "0" }],
  ["the largest deadline", { deadline: U256 }],
  ["the last address as owner", { owner: LAST }],
  ["the last address as spender", { spender: LAST }],
];

/** The digest of typed data by viem; ethers has to agree. Two digests differ only if something that is signed does. */
function hashTyped(domain, primaryType, listed, message) {
  const types = { [primaryType]: members(listed) };
  const typed = { ...domain, chainId: BigInt(domain.chainId) };
  const digest = viem.hashTypedData({ domain: typed, types, primaryType, message });
  assert.equal(digest, ethers.TypedDataEncoder.hash(typed, types, message));
  return digest;
}

async function buildVector(name, changes) {
  const order = { ...PLAIN, ...changes };
  const domain = { name: order.tokenName, version: order.tokenVersion, chainId: order.chainId, verifyingContract: USDC };
  const { chainId, contract, planId, payer, receiver, quantity, maxCost, salt } = order;
  const values = [BigInt(chainId), contract, BigInt(planId), payer, receiver, BigInt(quantity), BigInt(maxCost), salt];
  const encoded = viem.encodeAbiParameters(NONCE_TYPES.map((type) => ({ type })), values);
  assert.equal(encoded, ethers.AbiCoder.defaultAbiCoder().encode(NONCE_TYPES, values));
  const nonce = viem.keccak256(encoded);
  assert.equal(nonce, ethers.keccak256(encoded));
  const { validAfter, validBefore } = order;
  const authorization = { from: payer, to: contract, value: maxCost, validAfter, validBefore, nonce };
  const digest = hashTyped(domain, "ReceiveWithAuthorization", RECEIVE, authorization);
  const fields = { planId, payer, receiver, quantity, maxCost, validAfter, validBefore, salt };
  const signature = await sign({ hash: digest, privateKey: KEY, to: "hex" });
  return { name, contract, order: fields, nonce, token: domain, authorization, digest, signature };
}

async function buildPermit(name, changes) {
  const domain = { name: "USDC", version: "2", chainId: "31337", verifyingContract: USDC };
  const plain = { owner: SIGNER, spender: CONTRACT, value: "20000000", nonce: "0", deadline: "1893456000" };
  const permit = { ...plain, ...changes };
  const digest = hashTyped(domain, "Permit", PERMIT, permit);
  const { r, s, yParity } = await sign({ hash: digest, privateKey: KEY });
  return { name, token: domain, permit, digest, v: yParity + 27, r, s };
}

const vectors = [];
for (const [name, changes] of CASES) vectors.push(await buildVector(name, changes));
const permits = [];
for (const [name, changes] of PERMITS) permits.push(await buildPermit(name, changes));
console.log(
  JSON.stringify(
    {
      about: [
        "vectors: each order, its nonce, the token's EIP-3009 authorization, its digest, and the digest's signature by the key.",
        "The nonce is keccak256(abi.encode(...)) of nonce_type's values: chain id, contract, then the order's without the times.",
        "permits: EIP-2612. Integers are decimal text, but for v.",
      ],
      nonce_type: `(${NONCE_TYPES.join(",")})`,
      authorization_type: `ReceiveWithAuthorization(${RECEIVE})`,
      permit_type: `Permit(${PERMIT})`,
      key: KEY,
      signer: SIGNER,
      vectors,
      permits,
    },
    null,
    1,
  ),
);
