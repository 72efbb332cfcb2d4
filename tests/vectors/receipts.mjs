// Prints receipts.json: what receipts of charges hash to, and the signatures of a redeemer, by viem; ethers has to agree.
import assert from "node:assert/strict";
import * as ethers from "ethers";
import * as viem from "viem";
import { privateKeyToAccount } from "viem/accounts";

const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"; // anvil's second account
const ACCOUNT = privateKeyToAccount(KEY);
const HOLDER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"; // the first of anvil's first account
const FIRST = "0x0000000000000000000000000000000000000001";
const LAST = viem.getAddress(`0x${"ff".repeat(20)}`);
const U64 = (2n ** 64n - 1n).toString();
const U256 = (2n ** 256n - 1n).toString();
const TYPES = {
  Receipt: [
    { name: "planId", type: "uint256" },
    { name: "holder", type: "address" },
    { name: "redeemer", type: "address" },
    { name: "request", type: "bytes32" },
    { name: "credits", type: "uint64" },
    { name: "total", type: "uint64" },
    { name: "issuedAt", type: "uint64" },
  ],
};
const word = (value) => viem.toHex(BigInt(value), { size: 32 });
const PLAIN = {
  planId: "108303219871395214096773235683544340339016986917500791532624396236152219990067",
  holder: HOLDER,
  redeemer: ACCOUNT.address,
  request: viem.keccak256("0x01"),
  credits: "2",
  total: "42",
  issuedAt: "1893456000",
};
const CASES = [
  ["a receipt as many will be", {}],
  ["the smallest plan id", { planId: "0" }],
  ["the largest plan id", { planId: U256 }],
  ["the first address as holder", { holder: FIRST }],
  ["the last address as holder", { holder: LAST }],
  ["the redeemer as holder", { holder: ACCOUNT.address }],
  ["no request", { request: word(0) }],
  ["the largest request", { request: word(U256) }],
  ["no credits", { credits: "0" }],
  ["the first charge", { credits: "2", total: "2" }],
  ["the largest numbers", { credits: U64, total: U64, issuedAt: U64 }],
  ["the first second", { issuedAt: "0" }],
];

async function buildVector(name, chainId, contract, changes) {
  const domain = { name: "nvm_chain Meter", version: "1", chainId, verifyingContract: contract };
  const receipt = { ...PLAIN, ...changes };
  const typed = { ...domain, chainId: BigInt(chainId) };
  const data = { domain: typed, types: TYPES, primaryType: "Receipt", message: receipt };
  const digest = viem.hashTypedData(data);
  assert.equal(digest, ethers.TypedDataEncoder.hash(typed, TYPES, receipt));
  const signature = await ACCOUNT.signTypedData(data);
  assert.equal(ethers.verifyTypedData(typed, TYPES, receipt, signature), ACCOUNT.address);
  return { name, domain, receipt, digest, signature };
}

const vectors = [];
for (const [name, changes] of CASES) vectors.push(await buildVector(name, "31337", CONTRACT, changes));
for (const chainId of ["1", "8453", U256]) vectors.push(await buildVector(`on chain ${chainId}`, chainId, CONTRACT, {}));
vectors.push(await buildVector("with the last address as contract", "31337", LAST, {}));
const type = ethers.TypedDataEncoder.from(TYPES).encodeType("Receipt");
const about = ["Each receipt, its digest, and the signature of the digest by the key. Integers are decimal text."];
console.log(JSON.stringify({ about, type, key: KEY, signer: ACCOUNT.address, vectors }, null, 1));
