#!/bin/sh
# What evm_revert restores on anvil, and what it does not.
#
# One would guess: after `evm_revert` the next block is what it would have been. EIP-1559 fixes a block's base fee by the block before
#   it, so block 3 has one base fee, whatever was mined and undone before.
# True: the base fee goes on from the undone blocks. The same block 3 on the same block 2 has a lower base fee each time that empty
#   blocks were undone, until it is 7 wei. After that, blocks that are mined again have the same hashes as the undone ones.
# Why it matters: tests of payments undo what each test did. The cost of an order in coin, the highest fee that a wallet signs, and a
#   replacement that must pay a tenth more then depend on the tests before. A check that computes the base fee from the parent block, as
#   light clients and fee estimators do, disagrees with the node.
set -eu

folder=$(mktemp -d)
node=
trap 'test -z "$node" || kill "$node" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
echo "{}" > package.json
npm install --silent --no-fund --no-audit @foundry-rs/anvil@1.7.1
anvil=$(ls -d node_modules/@foundry-rs/anvil-*/bin/anvil | head -n 1)
"$anvil" --version | head -n 1

cat > try.mjs <<'EOS'
const port = process.argv[2]
async function ask(method, ...params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  for (let tries = 0; ; tries++) {
    try {
      return (await (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body })).json()).result
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((done) => setTimeout(done, 100))
    }
  }
}
await ask('evm_mine')
await ask('evm_mine')
const fees = []
const hashes = new Set()
let expected
for (let round = 0; round < 40; round++) {
  const parent = await ask('eth_getBlockByNumber', 'latest', false)
  const base = BigInt(parent.baseFeePerGas)
  // EIP-1559 for an empty parent: an eighth less.
  expected = base - base / 8n
  const snapshot = await ask('evm_snapshot')
  await ask('evm_setNextBlockTimestamp', Number(parent.timestamp) + 100_000)
  for (let block = 0; block < 10; block++) await ask('evm_mine')
  const first = await ask('eth_getBlockByNumber', '0x3', false)
  fees.push(BigInt(first.baseFeePerGas))
  hashes.add(first.hash)
  await ask('evm_revert', snapshot)
}
console.log(`base fee of block 3 by EIP-1559: ${expected}`)
console.log(`seen: ${fees.slice(0, 4).join(', ')}, ..., ${fees.at(-1)}; ${hashes.size} hashes in 40 rounds`)
const falls = fees.slice(1, 15).every((fee, round) => fee < fees[round])
if (fees[0] !== expected || !falls || fees.at(-1) !== 7n || hashes.size >= 40) process.exit(1)
EOS

"$anvil" --host 127.0.0.1 --port 18748 --silent &
node=$!
node try.mjs 18748
echo "as described"
