#!/bin/sh
# Whether a client of MPP in one language pays a server in the other, for a charge on an EVM chain: pympp 0.16.0 and mppx 0.11.0.
#
# One would guess: both are official, both give a challenge the same id, and the Python package says that its nonce is that of mppx.
#   So each client pays each server.
# True: the payer signs an EIP-3009 transfer whose nonce is a hash of the challenge's id and realm. The specification
#   (draft-evm-charge-00) and mppx 0.11.0 hash the two texts behind each other. pympp, like later versions of mppx, hashes a JSON list
#   of them. Nothing on the wire says which one is meant. Each server refuses the other package's client ("challenge hash mismatch").
# Why it matters: a seller whose server has one version sells to no client of the other one, and the 402 that the client gets looks
#   like a wrong signature. A server has to take either nonce. Both bind the transfer to the challenge.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'pympp[evm]==0.16.0'
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps --save-exact \
  mppx@0.11.0 viem@2.57.20

cat > case.json <<'EOF'
{"secret": "a secret", "key": "0x0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "realm": "shop.example.com",
 "expires": "2035-01-01T00:00:00Z", "currency": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
 "recipient": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "amount": "10000", "chainId": 31337}
EOF
cat > try.py <<'EOF'
"""As a client: print the credential for a challenge. As a server: say whether a credential pays."""
import asyncio
import json
import sys

from eth_account import Account
from mpp import Challenge, Credential
from mpp.methods.evm import client
from mpp.methods.evm.intents import ChargeIntent

case = json.load(open("case.json"))
domain = {"name": "USDC", "version": "2"}
request = {
    "amount": case["amount"],
    "currency": case["currency"],
    "recipient": case["recipient"],
    "methodDetails": {"chainId": case["chainId"], "credentialTypes": ["authorization"], "decimals": 6},
}


def challenge():
    terms = {"realm": case["realm"], "method": "evm", "intent": "charge", "request": request, "expires": case["expires"]}
    return Challenge.create(secret_key=case["secret"], **terms)


def pay():
    options = {"currency": case["currency"], "chain_id": case["chainId"], "decimals": 6, "authorization": domain}
    method = client.charge(account=Account.from_key(case["key"]), **options)
    from mpp.runtime import CredentialParams
    return asyncio.run(method.create_credential(CredentialParams(challenge=challenge())))


def judge(text):
    intent = ChargeIntent(**domain, settle=lambda _: "0x", max_validity_seconds=10**9)
    try:
        asyncio.run(intent.validate(Credential.from_authorization(text), request))
    except Exception as error:
        return str(error)
    return "taken"


print({"id": lambda: challenge().id, "pay": pay, "judge": lambda: judge(sys.stdin.read())}[sys.argv[1]]())
EOF
cat > try.mjs <<'EOF'
// The same with the TypeScript package.
import { readFileSync } from "node:fs";
import { Challenge, Credential } from "mppx";
import { charge as pays } from "mppx/evm/client";
import { charge as sells } from "mppx/evm/server";
import { privateKeyToAccount } from "viem/accounts";

const { secret, key, realm, expires, currency, recipient, amount, chainId } = JSON.parse(readFileSync("case.json", "utf8"));
const authorization = { name: "USDC", version: "2" };
const methodDetails = { chainId, credentialTypes: ["authorization"], decimals: 6 };
const request = { amount, currency, recipient, methodDetails };
const challenge = Challenge.from({ secretKey: secret, realm, method: "evm", intent: "charge", request, expires });
const judge = async (text) => {
  const server = sells({ currency, recipient, chainId, decimals: 6, authorization, settle: async () => ({ reference: "0x" }) });
  try { await server.validate({ credential: Credential.deserialize(text) }); } catch (error) { return error.message; }
  return "taken";
};
const act = process.argv[2];
if (act === "id") console.log(challenge.id);
if (act === "pay") console.log(await pays({ account: privateKeyToAccount(key), authorization }).createCredential({ challenge, context: {} }));
if (act === "judge") console.log(await judge(readFileSync(0, "utf8").trim()));
EOF
test "$(venv/bin/python try.py id)" = "$(node try.mjs id)" && echo "both packages give the challenge the same id"
result=""
for client in "venv/bin/python try.py" "node try.mjs"; do
  for server in "venv/bin/python try.py" "node try.mjs"; do
    said=$($client pay | $server judge)
    echo "client $client, server $server: $said"
    case $said in taken) result="$result taken" ;; *"challenge hash mismatch"*) result="$result mismatch" ;; *) result="$result other" ;; esac
  done
done
echo "pympp 0.16.0, mppx 0.11.0:$result"
if [ "$result" = " taken mismatch mismatch taken" ]; then echo "as described"; else echo "CHANGED"; exit 1; fi
