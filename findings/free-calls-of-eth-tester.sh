#!/bin/sh
# Who may call for free on eth-tester.
#
# One would guess: `eth_call` costs nothing, so any account may be its sender. Nodes ask for money only if the call names a price.
# True: on eth-tester a call without a price gets the block's base fee as its price and the block's gas as its limit. A sender without
#   30,029,122 gwei is refused ("cannot afford txn gas"), though it pays nothing. With `gasPrice: 0` the call is refused for another
#   reason, a price below the base fee. A call that names `maxFeePerGas` ends in a TypeError of Python, and so does one with a state override.
# Why it matters: a check before an order or a settlement calls from the payer's or the holder's address, who may have no coin because
#   somebody else sends the transaction. On eth-tester such a check has to call from an account with coin, or it says no to who could pay.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet 'web3==7.15.0' 'eth-tester[py-evm]==0.13.0b1' 'setuptools<81'
env/bin/python - <<'EOS'
from importlib.metadata import version

from web3 import EthereumTesterProvider, Web3

print("web3", version("web3"), "eth-tester", version("eth-tester"))
web3 = Web3(EthereumTesterProvider())
rich = web3.eth.accounts[0]
poor, target = (Web3.to_checksum_address("0x" + byte * 20) for byte in ("cd", "ab"))


def attempt(name, *, override=None, **call):
    try:
        arguments = [{"to": target, **call}, "latest"] + ([override] if override else [])
        seen = "answers " + (web3.eth.call(*arguments).hex() or "nothing")
    except Exception as error:
        seen = type(error).__name__ + ": " + str(error)
    print(f"{name}: {seen[:160]}")
    return seen


assert attempt("sender with coin, no price", **{"from": rich}).startswith("answers")
assert "cannot afford txn gas" in attempt("sender without coin, no price", **{"from": poor})
assert not attempt("sender without coin, price 0", **{"from": poor, "gasPrice": 0}).startswith("answers")
assert attempt("maxFeePerGas", **{"from": rich, "maxFeePerGas": 10**12}).startswith("TypeError")
assert attempt("state override", override={target: {"code": "0x00"}}, **{"from": rich}).startswith("TypeError")
EOS
