// Prints vouchers.json: what vouchers hash to and which signatures count, by viem; ethers has to agree.
import assert from "node:assert/strict";
import * as ethers from "ethers";
import * as viem from "viem";
import { privateKeyToAccount, sign } from "viem/accounts";

const KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"; // anvil's second account
const SIGNER = privateKeyToAccount(KEY).address;
const REDEEMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"; // the first of anvil's first account
const FIRST = "0x0000000000000000000000000000000000000001";
const LAST = viem.getAddress(`0x${"ff".repeat(20)}`);
const U64 = (2n ** 64n - 1n).toString();
const U256 = (2n ** 256n - 1n).toString();
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n; // of secp256k1
const PRIME = 2n ** 256n - 2n ** 32n - 977n;
const TYPES = {
  Voucher: [
    { name: "planId", type: "uint256" },
    { name: "holder", type: "address" },
    { name: "redeemer", type: "address" },
    { name: "ceiling", type: "uint64" },
    { name: "context", type: "bytes32" },
    { name: "deadline", type: "uint64" },
  ],
};

const word = (value) => viem.toHex(BigInt(value), { size: 32 });
const PLAIN = {
  planId: "108303219871395214096773235683544340339016986917500791532624396236152219990067",
  holder: SIGNER,
  redeemer: REDEEMER,
  ceiling: "42",
  context: viem.stringToHex("request-1", { size: 32 }),
  deadline: "1893456000",
};

const CASES = [
  ["a voucher as many will be", {}],
  ["plan id zero", { planId: "0" }],
  ["plan id one", { planId: "1" }],
  ["the largest plan id", { planId: U256 }],
  ["the first address as holder", { holder: FIRST }],
  ["the last address as holder", { holder: LAST }],
  ["the first address as redeemer", { redeemer: FIRST }],
  ["the last address as redeemer", { redeemer: LAST }],
  ["the holder as redeemer", { redeemer: SIGNER }],
  ["holder and redeemer the other way round", { holder: REDEEMER, redeemer: SIGNER }],
  ["ceiling zero", { ceiling: "0" }],
  ["ceiling one", { ceiling: "1" }],
  ["the largest ceiling", { ceiling: U64 }],
  ["no context", { context: word(0) }],
  ["a context that ends in one", { context: word(1) }],
  ["the largest context", { context: word(U256) }],
  ["deadline zero", { deadline: "0" }],
  ["deadline one", { deadline: "1" }],
  ["the largest deadline", { deadline: U64 }],
  ["ceiling and deadline the other way round", { ceiling: PLAIN.deadline, deadline: PLAIN.ceiling }],
  ["the smallest of everything", { planId: "0", holder: FIRST, redeemer: FIRST, ceiling: "0", context: word(0), deadline: "0" }],
  ["the largest of everything", { planId: U256, holder: LAST, redeemer: LAST, ceiling: U64, context: word(U256), deadline: U64 }],
];
const CHAINS = ["0", "1", "8453", "84532", "18446744073709551615", U256];

function buildVector(name, chainId, contract, changes) {
  const domain = { name: "nvm_chain Credits", version: "1", chainId, verifyingContract: contract };
  const voucher = { ...PLAIN, ...changes };
  const typed = { ...domain, chainId: BigInt(chainId) };
  const digest = viem.hashTypedData({ domain: typed, types: TYPES, primaryType: "Voucher", message: voucher });
  assert.equal(digest, ethers.TypedDataEncoder.hash(typed, TYPES, voucher));
  const domainTypes = { EIP712Domain: viem.getTypesForEIP712Domain({ domain: typed }) };
  const separator = viem.hashDomain({ domain: typed, types: domainTypes });
  assert.equal(separator, ethers.TypedDataEncoder.hashDomain(typed));
  const structHash = viem.hashStruct({ data: voucher, primaryType: "Voucher", types: TYPES });
  assert.equal(structHash, ethers.TypedDataEncoder.hashStruct("Voucher", TYPES, voucher));
  return { name, domain, domain_separator: separator, voucher, struct_hash: structHash, digest };
}

// ---------------------------------------------------------------------- signatures

const join = (r, s, v) => viem.concat([word(r), word(s), viem.toHex(v, { size: 1 })]);

/** Who signed, by ethers: v has to be 27 or 28, or the two numbers 32 bytes each. Null if nobody can be told. */
function recover(digest, signature) {
  const size = viem.size(signature);
  const v = size === 65 ? Number(viem.slice(signature, 64)) : 27;
  if ((size !== 64 && size !== 65) || (v !== 27 && v !== 28)) return null;
  const yParity = size === 64 ? Number(BigInt(viem.slice(signature, 32)) >> 255n) : v - 27;
  const r = viem.slice(signature, 0, 32);
  const s = size === 64 ? word(BigInt(viem.slice(signature, 32)) & (2n ** 255n - 1n)) : viem.slice(signature, 32, 64);
  try {
    return recoverHighS(digest, BigInt(r), BigInt(s), yParity);
  } catch {
    return null;
  }
}

/** ethers refuses a high s, and the same signature with the low one and the other parity has the same signer. */
function recoverHighS(digest, r, s, yParity) {
  const high = s > ORDER / 2n && s < ORDER;
  const low = { r: word(r), s: word(high ? ORDER - s : s), yParity: high ? 1 - yParity : yParity };
  return ethers.recoverAddress(digest, ethers.Signature.from(low));
}

/** The signature of no key at all: s G / r - digest G / r is the point at infinity, if r is of G and s is the digest. */
function pointAtInfinity(digest) {
  const generator = ethers.SigningKey.computePublicKey(word(1), false);
  const y = BigInt(viem.slice(generator, 33));
  return join(BigInt(viem.slice(generator, 1, 33)), BigInt(digest) % ORDER, 27 + Number(y & 1n));
}

/** The smallest number that is the x of no point. */
function noPoint() {
  for (let x = 1n; ; x++) {
    let power = 1n;
    let base = (x ** 3n + 7n) % PRIME;
    for (let exponent = (PRIME - 1n) / 2n; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) power = (power * base) % PRIME;
      base = (base * base) % PRIME;
    }
    if (power !== 1n) return x;
  }
}

async function buildSignatures(vector) {
  const { digest } = vector;
  const signed = await sign({ hash: digest, privateKey: KEY });
  const [r, s] = [BigInt(signed.r), BigInt(signed.s)];
  const v = 27 + signed.yParity;
  const other = 55 - v;
  const plain = join(r, s, v);
  assert.equal(plain, ethers.Signature.from(new ethers.SigningKey(KEY).sign(digest)).serialized);
  const compact = viem.concat([word(r), word((BigInt(signed.yParity) << 255n) | s)]);
  assert.equal(compact, ethers.Signature.from(plain).compactSerialized);
  const otherParity = viem.concat([word(r), word((BigInt(1 - signed.yParity) << 255n) | s)]);
  const prefixed = await privateKeyToAccount(KEY).signMessage({ message: { raw: digest } });
  const stranger = await sign({ hash: digest, privateKey: word(1), to: "hex" });
  const forms = [
    ["65 bytes, r, s, v", plain],
    ["64 bytes, EIP-2098", compact],
    ["65 bytes with the high s and the other v", join(r, ORDER - s, other)],
    ["65 bytes with the other v", join(r, s, other)],
    ["65 bytes with the high s and the same v", join(r, ORDER - s, v)],
    ["64 bytes with the other parity", otherParity],
    ["v 0", join(r, s, 0)],
    ["v 1", join(r, s, 1)],
    ["v 26", join(r, s, 26)],
    ["v 29", join(r, s, 29)],
    ["v 30", join(r, s, 30)],
    ["v 31", join(r, s, 31)],
    ["v as EIP-155 has it on chain 31337", join(r, s, 255)],
    ["v before r and s", viem.concat([viem.toHex(v), word(r), word(s)])],
    ["no bytes", "0x"],
    ["32 bytes", word(r)],
    ["63 bytes", viem.slice(plain, 0, 63)],
    ["66 bytes", viem.concat([plain, "0x00"])],
    ["96 bytes, r, s, v as words", viem.concat([word(r), word(s), word(v)])],
    ["65 zeros", join(0, 0, 0)],
    ["64 zeros", viem.concat([word(0), word(0)])],
    ["r 0", join(0, s, v)],
    ["s 0", join(r, 0, v)],
    ["r and s 0", join(0, 0, v)],
    ["r of the order of the curve", join(ORDER, s, v)],
    ["s of the order of the curve", join(r, ORDER, v)],
    ["r of all ones", join(2n ** 256n - 1n, s, v)],
    ["s of all ones", join(r, 2n ** 256n - 1n, v)],
    ["r that is not a point", join(noPoint(), s, v)],
    ["the point at infinity", pointAtInfinity(digest)],
    ["r and s the other way round", join(s, r, v)],
    ["one bit of r changed", join(r ^ 1n, s, v)],
    ["one bit of s changed", join(r, s ^ 1n, v)],
    ["of the digest as a personal message", prefixed],
    ["by another key", stranger],
  ];
  return forms.map(([name, signature]) => {
    const recovers = recover(digest, signature);
    return { name, signature, recovers, verdict: recovers === SIGNER ? "valid" : "invalid" };
  });
}

const vectors = [
  ...CASES.map(([name, changes]) => buildVector(name, "31337", CONTRACT, changes)),
  ...CHAINS.map((chainId) => buildVector(`on chain ${chainId}`, chainId, CONTRACT, {})),
  buildVector("with the first address as contract", "31337", FIRST, {}),
  buildVector("with the last address as contract", "31337", LAST, {}),
];
for (const vector of vectors) {
  vector.signature = await sign({ hash: vector.digest, privateKey: KEY, to: "hex" });
  vector.verdict = vector.voucher.holder === SIGNER ? "valid" : "invalid";
}
const declaration = ethers.TypedDataEncoder.from(TYPES).encodeType("Voucher");
console.log(
  JSON.stringify(
    {
      about: [
        "vectors: each voucher, its hashes, and the signature of its digest by the key, which counts where the key's address is the holder.",
        "signatures: forms of a signature of the first vector's digest; recovers is the signer by ecrecover's rules, null if there is none.",
        "Integers are decimal text. A deadline is not part of a verdict: a voucher counts up to and with the second of its deadline.",
      ],
      type: declaration,
      type_hash: viem.keccak256(viem.toHex(declaration)),
      key: KEY,
      signer: SIGNER,
      vectors,
      signatures: await buildSignatures(vectors[0]),
    },
    null,
    1,
  ),
);
