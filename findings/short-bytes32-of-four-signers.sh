#!/bin/sh
# What four libraries sign when a bytes32 of typed data (EIP-712) is given as fewer bytes, such as the id 0x2a of a request.
#
# One would guess: JSON of typed data has one digest, or none. A library that signs it gets what all others get, and a short bytes32
#   is an error everywhere.
# True: eth-account and the library of the MetaMask wallet fill the value up with zeros at its end and sign. viem and ethers refuse
#   the same JSON. So it is 0x2a00…00 that is signed, and not 0x00…2a, the number 42. Of the plain text "order-42", only eth-account
#   makes a value. Given 32 bytes, all four have the same digest.
# Why it matters: a seller whose server prepares vouchers or authorizations with a short id of the order sells to programs in Python
#   and to people with MetaMask, and to nobody who signs with viem or ethers. A contract that gets the id as a number left-padded
#   recovers another signer, and the seller cannot collect. Write all 32 bytes into the JSON.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check eth-account==0.13.7
echo '{"private": true, "type": "module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts --save-exact \
  viem@2.57.20 ethers@6.17.0 @metamask/eth-sig-util@9.0.0

cat > make.py <<'EOF'
"""Write the typed data of each case as a line of JSON."""
import json

domain = [{"name": "name", "type": "string"}]
types = {"EIP712Domain": domain, "Receipt": [{"name": "id", "type": "bytes32"}]}
for value in ("0x2a" + "00" * 31, "0x" + "00" * 31 + "2a", "0x2a", "order-42"):
    print(json.dumps({"types": types, "primaryType": "Receipt", "domain": {"name": "Shop"}, "message": {"id": value}}))
EOF
cat > try.py <<'EOF'
"""Print the digests of eth-account."""
import json
import sys

from eth_account.messages import encode_typed_data
from eth_utils import keccak


def hash_typed(line):
    try:
        signable = encode_typed_data(full_message=json.loads(line))
    except Exception:
        return "refused"
    return "0x" + keccak(b"\x19" + signable.version + signable.header + signable.body).hex()


for line in sys.stdin:
    print(hash_typed(line))
EOF
cat > try.mjs <<'EOF'
// Print the digests of the three libraries for JavaScript, a column for each.
import { createInterface } from "node:readline";
import { SignTypedDataVersion, TypedDataUtils } from "@metamask/eth-sig-util";
import { TypedDataEncoder } from "ethers";
import { hashTypedData } from "viem";

const hashers = [
  (data) => "0x" + Buffer.from(TypedDataUtils.eip712Hash(data, SignTypedDataVersion.V4)).toString("hex"),
  (data) => hashTypedData(data),
  ({ types: { EIP712Domain, ...types }, domain, message }) => TypedDataEncoder.hash(domain, types, message),
];
const attempt = (hasher, line) => { try { return hasher(JSON.parse(line)); } catch { return "refused"; } };
for await (const line of createInterface({ input: process.stdin }))
  console.log(hashers.map((hasher) => attempt(hasher, line)).join(" "));
EOF
cat > judge.py <<'EOF'
"""Print a row for each case, and fail if a row is not as described."""
import sys

cases = ("32 bytes, 2a first", "32 bytes, 2a last", "0x2a", "order-42")
rows = [line.split() for line in open("rows")]
for case, row in zip(cases, rows, strict=True):
    print(f"{case:20}", *(f"{each[:10]:12}" for each in row))
first, last, short, text = rows
refused = "refused"
good = len(set(first)) == len(set(last)) == 1 and refused not in first + last and first != last
good = good and short == [first[0], first[0], refused, refused] and text[1:] == [refused] * 3 and text[0] != refused
print("as described" if good else "CHANGED")
sys.exit(not good)
EOF
venv/bin/python make.py > cases
venv/bin/python try.py < cases > python
node try.mjs < cases > javascript
paste -d' ' python javascript > rows
echo "columns: eth-account 0.13.7, @metamask/eth-sig-util 9.0.0, viem 2.57.20, ethers 6.17.0"
venv/bin/python judge.py
