#!/bin/sh
# What happens to the transactions in blocks that anvil_reorg undoes.
#
# One would guess: they wait in the pool again and are mined in the next block, because real nodes put back what a reorganisation took
#   out. evm_mine after anvil_reorg brings the payment back.
# True: they are lost. The pool is empty, the node knows no such hash, and the balance stays as it was before the payment. The node
#   mines a transaction again only if it is given to anvil_reorg in its second parameter, or sent once more. The answer of anvil_reorg
#   does not mention the lost transactions.
# Why it matters: a test of a seller's books that uses anvil_reorg sees only the rare case, a payment that is lost for ever. It never
#   sees the usual case, a payment that comes back in another block with another number and time. Test both: keep the signed
#   transactions and send them again after the call.
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
const url = 'http://127.0.0.1:18747'
async function ask(method, ...params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  for (let tries = 0; ; tries++) {
    try {
      const answer = await (await fetch(url, { method: 'POST', headers, body })).json()
      if (answer.error) throw new Error(answer.error.message)
      return answer.result
    } catch (error) {
      if (tries > 100 || !(error instanceof TypeError)) throw error
      await new Promise((done) => setTimeout(done, 100))
    }
  }
}
const [from] = await ask('eth_accounts')
const to = '0x' + '11'.repeat(20)
const coins = async () => Number(await ask('eth_getBalance', to, 'latest'))
for (let block = 0; block < 10; block++) await ask('evm_mine')

const first = await ask('eth_sendTransaction', { from, to, value: '0x7' })
while (!(await ask('eth_getTransactionReceipt', first))) await new Promise((done) => setTimeout(done, 50))
console.log(`paid ${await coins()} in block ${Number(await ask('eth_blockNumber'))}`)
await ask('anvil_reorg', 5, [])
const { pending, queued } = await ask('txpool_status')
const known = await ask('eth_getTransactionByHash', first)
await ask('evm_mine')
const lost = await coins()
console.log(`undone: waiting ${Number(pending) + Number(queued)}, known ${known !== null}, paid after the next block ${lost}`)

const second = await ask('eth_sendTransaction', { from, to, value: '0x7' })
while (!(await ask('eth_getTransactionReceipt', second))) await new Promise((done) => setTimeout(done, 50))
await ask('anvil_reorg', 5, [[{ from, to, value: '0x7' }, 0]])
const kept = await coins()
console.log(`undone and named in the call: paid ${kept}`)
if (Number(pending) + Number(queued) !== 0 || known !== null || lost !== 0 || kept !== 7) process.exit(1)
EOF
"$anvil" --host 127.0.0.1 --port 18747 --silent &
node=$!
node try.mjs
echo "as described"
