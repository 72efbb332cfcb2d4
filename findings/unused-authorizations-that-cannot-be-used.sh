#!/bin/sh
# What authorizationState tells of OpenZeppelin's ERC20TransferAuthorization.
#
# One would guess: EIP-3009 takes any unused 32 bytes as a nonce, and clients of x402 and of USDC sign random ones. So if
#   `authorizationState(payer, nonce)` is false, the authorization can be used.
# True: this token's nonces are keys with a sequence. For a random nonce the state is false, and the transfer reverts with
#   InvalidAccountNonce, because the last 8 bytes of the nonce have to be the next number of their key. A random key followed by eight
#   zero bytes is accepted.
# Why it matters: a seller who checks a signed payment by signature, balance, times and state serves the request, and the settlement
#   then fails. Only a simulation of the transfer tells. A buyer who signs for such a token has to end the nonce with zeros.
set -eu

folder=$(mktemp -d)
node=
trap 'test -z "$node" || kill "$node" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
echo "{}" > package.json
npm install --silent --no-fund --no-audit @foundry-rs/anvil@1.7.1 @openzeppelin/contracts@5.7.0 solc@0.8.37 viem@2.57.20
anvil=$(ls -d node_modules/@foundry-rs/anvil-*/bin/anvil | head -n 1)
"$anvil" --version | head -n 1
echo "OpenZeppelin $(node -p "require('@openzeppelin/contracts/package.json').version")"

cat > try.mjs <<'EOS'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import solc from 'solc'
import { createPublicClient, createWalletClient, http } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'

const source = `pragma solidity 0.8.37;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20TransferAuthorization} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20TransferAuthorization.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
contract Token is ERC20TransferAuthorization {
    constructor(address payer) ERC20("Token", "T") EIP712("Token", "1") { _mint(payer, 100); }
}`
const input = {
  language: 'Solidity',
  sources: { 'Token.sol': { content: source } },
  settings: { evmVersion: 'cancun', outputSelection: { 'Token.sol': { Token: ['abi', 'evm.bytecode.object'] } } },
}
const find = (path) => ({ contents: readFileSync(`node_modules/${path}`, 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
const { abi, evm } = output.contracts['Token.sol'].Token

const transport = http('http://127.0.0.1:18749')
const chain = createPublicClient({ chain: foundry, transport })
// The first account of anvil's public test phrase.
const sender = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')
const wallet = createWalletClient({ account: sender, chain: foundry, transport })
const payer = privateKeyToAccount(generatePrivateKey())
const hash = await wallet.deployContract({ abi, bytecode: `0x${evm.bytecode.object}`, args: [payer.address] })
const { contractAddress: token } = await chain.waitForTransactionReceipt({ hash })

const types = { TransferWithAuthorization: [
  { name: 'from', type: 'address' }, { name: 'to', type: 'address' }, { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' }, { name: 'validBefore', type: 'uint256' }, { name: 'nonce', type: 'bytes32' },
] }
const domain = { name: 'Token', version: '1', chainId: foundry.id, verifyingContract: token }
async function pay(label, nonce) {
  const message = { from: payer.address, to: sender.address, value: 1n, validAfter: 0n, validBefore: 2n ** 40n, nonce }
  const signature = await payer.signTypedData({ domain, types, primaryType: 'TransferWithAuthorization', message })
  const used = await chain.readContract({ address: token, abi, functionName: 'authorizationState', args: [payer.address, nonce] })
  const functionName = abi.find((each) => each.name === 'transferWithAuthorization' && each.inputs.length === 7)
  let result = 'paid'
  try {
    const args = [message.from, message.to, message.value, message.validAfter, message.validBefore, nonce, signature]
    const { request } = await chain.simulateContract({ address: token, abi: [functionName, ...abi.filter((each) => each.type === 'error')], functionName: 'transferWithAuthorization', args, account: sender })
    await chain.waitForTransactionReceipt({ hash: await wallet.writeContract(request) })
  } catch (error) {
    result = error.walk?.((each) => each.data?.errorName)?.data?.errorName ?? error.message
  }
  console.log(`${label}: authorizationState ${used}, transfer: ${result}`)
  return `${used} ${result}`
}
const seen = [
  await pay('a random nonce', `0x${randomBytes(31).toString('hex')}01`),
  await pay('random, then eight zero bytes', `0x${randomBytes(24).toString('hex')}${'00'.repeat(8)}`),
]
if (seen.join() !== 'false InvalidAccountNonce,false paid') process.exit(1)
EOS

"$anvil" --host 127.0.0.1 --port 18749 --silent &
node=$!
node try.mjs
echo "as described"
