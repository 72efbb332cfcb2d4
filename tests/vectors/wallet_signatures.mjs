// Prints wallet_signatures.json: what wallets sign for a voucher and an order, by viem; ethers has to agree where it can.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { p256 } from "@noble/curves/p256";
import * as ethers from "ethers";
import * as viem from "viem";
import { toCoinbaseSmartAccount, toWebAuthnAccount } from "viem/account-abstraction";
import { privateKeyToAccount } from "viem/accounts";
import { signTypedData as signNested } from "viem/experimental/erc7739";

const CHAIN_ID = 31337;
const CREDITS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"; // the first of anvil's first account
const USDC = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"; // its second
const REDEEMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const KEYS = [11, 22, 33].map((byte) => `0x${String(byte).repeat(32)}`);
const OWNERS = KEYS.map((key) => privateKeyToAccount(key));
const PASSKEY = `0x${"44".repeat(32)}`;
const [WALLET, INNER, VALIDATOR, APPROVER] = ["a1", "b2", "c3", "d4"].map((byte) => viem.getAddress(`0x${byte.repeat(20)}`));

const word = (value) => viem.pad(value, { size: 32 });
const concat = (...parts) => viem.concat(parts);
const uint = (value, size = 32) => viem.toHex(BigInt(value), { size });

// ---------------------------------------------------------------------- what is signed

const CREDITS_DOMAIN = { name: "nvm_chain Credits", version: "1", chainId: CHAIN_ID, verifyingContract: CREDITS };
const USDC_DOMAIN = { name: "USDC", version: "2", chainId: CHAIN_ID, verifyingContract: USDC };
const VOUCHER = "uint256 planId,address holder,address redeemer,uint64 ceiling,bytes32 context,uint64 deadline";
const AUTHORIZATION = "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce";

const members = (listed) =>
  listed.split(",").map((member) => ({ type: member.split(" ")[0], name: member.split(" ")[1] }));

const typed = (domain, primaryType, listed, message) => ({
  domain,
  types: { [primaryType]: members(listed) },
  primaryType,
  message,
});

const MESSAGES = {
  voucher: typed(CREDITS_DOMAIN, "Voucher", VOUCHER, {
    planId: "255",
    holder: WALLET,
    redeemer: REDEEMER,
    ceiling: "42",
    context: viem.stringToHex("request-1", { size: 32 }),
    deadline: "1893456000",
  }),
  authorization: typed(USDC_DOMAIN, "ReceiveWithAuthorization", AUTHORIZATION, {
    from: WALLET,
    to: CREDITS,
    value: "20000000",
    validAfter: "0",
    validBefore: "1893456000",
    nonce: viem.keccak256(viem.stringToHex("an order")),
  }),
};

/** The digest of typed data, by viem and by ethers. */
function hash(data) {
  const digest = viem.hashTypedData(data);
  assert.equal(digest, ethers.TypedDataEncoder.hash(data.domain, data.types, data.message));
  return digest;
}

/** The 66 bytes whose hash is signed. */
function encode(data) {
  const encoded = ethers.TypedDataEncoder.encode(data.domain, data.types, data.message);
  assert.equal(viem.keccak256(encoded), hash(data));
  return encoded;
}

/** The signature of an owner's key, by viem and by ethers. */
async function sign(owner, data) {
  const signature = await owner.signTypedData(data);
  const wallet = new ethers.Wallet(KEYS[OWNERS.indexOf(owner)]);
  assert.equal(signature, await wallet.signTypedData(data.domain, data.types, data.message));
  return signature;
}

// ---------------------------------------------------------------------- Safe

const safeMessage = (safe, message) =>
  typed({ chainId: CHAIN_ID, verifyingContract: safe }, "SafeMessage", "bytes message", { message });

/** Owners' entries of 65 bytes ascending by address, then what contracts among them sign, behind its length. */
async function signAsSafe(safe, owners, message) {
  const ordered = [...owners].sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  let tail = "0x";
  const entries = [];
  for (const owner of ordered) {
    if (owner.approves) {
      entries.push(concat(word(owner.address), uint(0), "0x01"));
    } else if (owner.signAsContract) {
      entries.push(concat(word(owner.address), uint(65 * ordered.length + viem.size(tail)), "0x00"));
      const signature = await owner.signAsContract(safeMessage(safe, message));
      tail = concat(tail, uint(viem.size(signature)), signature);
    } else {
      entries.push(await sign(owner, safeMessage(safe, message)));
    }
  }
  return concat(...entries, tail);
}

/** A Safe of the third owner that owns another Safe, which asks it about the hash or about the data. */
const innerSafe = (asksAboutData) => ({
  address: INNER,
  signAsContract: (data) => signAsSafe(INNER, [OWNERS[2]], asksAboutData ? encode(data) : hash(data)),
});

const signMessageAbi = viem.parseAbi(["function signMessage(bytes)", "function approveHash(bytes32)"]);

function buildApproval(digest) {
  const message = safeMessage(WALLET, digest);
  const call = (functionName, argument) =>
    viem.encodeFunctionData({ abi: signMessageAbi, functionName, args: [argument] });
  return {
    message_hash: hash(message),
    message_data: encode(message),
    sign_message: call("signMessage", digest),
    approve_hash: call("approveHash", hash(message)),
  };
}

// ---------------------------------------------------------------------- Coinbase Smart Wallet, by viem

const client = viem.createClient({
  chain: { id: CHAIN_ID, name: "none", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: {} },
  transport: viem.custom({ request: () => Promise.reject(new Error("nothing is asked")) }),
});

const sha256 = (...parts) => parts.reduce((state, part) => state.update(part), createHash("sha256")).digest();

/** Answers as a browser's navigator.credentials.get, and keeps the answer. */
function buildPasskey(answers) {
  return ({ publicKey }) => {
    const challenge = Buffer.from(publicKey.challenge).toString("base64url");
    const fields = { type: "webauthn.get", challenge, origin: "https://keys.coinbase.com", crossOrigin: false };
    const clientDataJSON = Buffer.from(JSON.stringify(fields));
    const authenticatorData = Buffer.concat([sha256("keys.coinbase.com"), Buffer.from("0500000000", "hex")]);
    const digest = sha256(authenticatorData, sha256(clientDataJSON));
    const { r, s } = p256.sign(digest, PASSKEY.slice(2), { lowS: false, prehash: false });
    answers.push({ authenticator_data: viem.toHex(authenticatorData), client_data_json: viem.toHex(clientDataJSON), r: `${r}`, s: `${s}` });
    const signature = new p256.Signature(r, s).toDERRawBytes();
    return { id: "passkey", response: { clientDataJSON, authenticatorData, signature } };
  };
}

async function signAsCoinbase(data, passkeyAnswers) {
  const credential = { id: "passkey", publicKey: viem.toHex(p256.getPublicKey(PASSKEY.slice(2), false)) };
  const passkey = toWebAuthnAccount({ credential, getFn: buildPasskey(passkeyAnswers), rpId: "keys.coinbase.com" });
  const sign = async (owners, ownerIndex) => {
    const account = await toCoinbaseSmartAccount({ client, address: WALLET, owners, ownerIndex, version: "1.1" });
    return { ...account, isDeployed: () => Promise.resolve(true) }.sign({ hash: hash(data) });
  };
  return [await sign([OWNERS[0]], 0), await sign([OWNERS[0], passkey], 1)];
}

// ---------------------------------------------------------------------- Kernel and ERC-7739

async function signAsKernel(data) {
  const domain = { name: "Kernel", version: "0.3.1", chainId: CHAIN_ID, verifyingContract: WALLET };
  const signature = await sign(OWNERS[0], typed(domain, "Kernel", "bytes32 hash", { hash: hash(data) }));
  return [concat("0x00", signature), concat("0x01", VALIDATOR, signature)];
}

const NEXUS = { name: "Nexus", version: "1.2.1", chainId: CHAIN_ID, verifyingContract: WALLET };

async function signAsNexus(data) {
  const nested = await signNested(client, { ...data, account: OWNERS[0], verifierDomain: { ...NEXUS, salt: uint(0) } });
  const personal = await sign(OWNERS[0], typed(NEXUS, "PersonalSign", "bytes prefixed", { prefixed: encode(data) }));
  const prefix = uint(0, 20);
  return [nested, personal, concat(prefix, nested), concat(prefix, personal)];
}

// ---------------------------------------------------------------------- the file

async function buildVectors(about, data) {
  const digest = hash(data);
  const answers = [];
  const [key, passkey] = await signAsCoinbase(data, answers);
  const [root, validator] = await signAsKernel(data);
  const [nested, personal, prefixedNested, prefixedPersonal] = await signAsNexus(data);
  const safe = (...owners) => signAsSafe(WALLET, owners, digest);
  const wrapped = viem.serializeErc6492Signature({ address: VALIDATOR, data: "0xdeadbeef", signature: nested });
  const signatures = {
    "Safe, 1 owner": await safe(OWNERS[0]),
    "Safe, 3 owners": await safe(...OWNERS),
    "Safe 1.4.1, a key and a Safe 1.4.1": await safe(OWNERS[0], innerSafe(true)),
    "Safe 1.5.0, a key and a Safe": await safe(OWNERS[0], innerSafe(false)),
    "Safe, a key and an owner that approves": await safe(OWNERS[0], { address: APPROVER, approves: true }),
    "Coinbase Smart Wallet, key": key,
    "Coinbase Smart Wallet, passkey": passkey,
    "Kernel, root": root,
    "Kernel, validator": validator,
    "ERC-7739, nested": nested,
    "ERC-7739, personal": personal,
    "Nexus, nested": prefixedNested,
    "Nexus, personal": prefixedPersonal,
    "ERC-7739, nested, wrapped (ERC-6492)": wrapped,
  };
  return { message: about, digest, approval: buildApproval(digest), passkey: answers[0], signatures };
}

const vectors = [];
for (const [about, data] of Object.entries(MESSAGES)) vectors.push(await buildVectors(about, data));
console.log(
  JSON.stringify(
    {
      about: [
        "vectors: a voucher and the authorization of an order, and the signature of each wallet for it.",
        "The wallet has one address in all of them. Where not said otherwise the first key is its owner's.",
        "approval: how a Safe approves the digest on chain. passkey: what the passkey answered, before its s was made low.",
        "Coinbase Smart Wallet, nested ERC-7739 and the wrapping are viem's own code, the others viem's and ethers' hashes.",
      ],
      chain_id: CHAIN_ID,
      wallet: WALLET,
      keys: KEYS,
      inner_safe: INNER,
      validator: VALIDATOR,
      approver: APPROVER,
      account: { name: NEXUS.name, version: NEXUS.version },
      messages: Object.fromEntries(Object.entries(MESSAGES).map(([name, { domain, message }]) => [name, { domain, message }])),
      vectors,
    },
    null,
    1,
  ),
);
