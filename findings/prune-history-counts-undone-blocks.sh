#!/bin/sh
# What anvil's --prune-history keeps when blocks are undone by evm_revert.
#
# One would guess: `--prune-history 400` keeps the state of the latest 400 blocks of the chain. On a chain of 40 blocks the state of
#   every block can then be read, whatever was mined and undone before.
# True: blocks that evm_revert has undone count too. The node drops the states of the oldest blocks, even if these blocks are the
#   chain's own. After 400 undone blocks, a chain of 40 blocks has lost the state of its first ones: eth_getBalance at block 0 is
#   refused with "block height is 40 but requested was 0", which sounds as if block 0 were too high.
# Why it matters: tests of credits and payments undo what each test did, hundreds of times on one node. Statements and balances of old
#   blocks then pass or fail by the order of the tests. A test that reads old blocks needs a node that keeps more states than all
#   tests together make.
set -eu

folder=$(mktemp -d)
node=
trap 'test -z "$node" || kill "$node" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
echo "{}" > package.json
npm install --silent --no-fund --no-audit @foundry-rs/anvil@1.7.1
anvil=$(ls -d node_modules/@foundry-rs/anvil-*/bin/anvil | head -n 1)
"$anvil" --version | head -n 1

cat > try.mjs <<'EOF'
const [port, undone, expected] = process.argv.slice(2)
async function ask(method, ...params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  for (let tries = 0; ; tries++) {
    try {
      return await (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body })).json()
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((done) => setTimeout(done, 100))
    }
  }
}
for (let block = 0; block < 40; block++) await ask('evm_mine')
const snapshot = (await ask('evm_snapshot')).result
for (let block = 0; block < Number(undone); block++) await ask('evm_mine')
await ask('evm_revert', snapshot)
const height = Number((await ask('eth_blockNumber')).result)
const answer = await ask('eth_getBalance', '0x' + '11'.repeat(20), '0x0')
const seen = answer.error?.message ?? 'answered'
console.log(`height ${height}, ${undone} blocks undone, balance at block 0: ${seen}`)
if (height !== 40 || !seen.includes(expected)) process.exit(1)
EOF

try() {
  "$anvil" --host 127.0.0.1 --port "$1" --silent --prune-history 400 &
  node=$!
  node try.mjs "$1" "$2" "$3"
  kill "$node"
  wait "$node" 2>/dev/null || true
  node=
}
try 18745 100 answered
try 18746 400 "block height is 40 but requested was 0"
echo "as described"
