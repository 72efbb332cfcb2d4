#!/bin/sh
# What the official Python client of x402 does with the official extension for sign-ins, when it pays for requests of `requests`.
#
# One would guess: an extension of the package works with both clients of the package, `x402Client` for httpx and `x402ClientSync` for
#   requests. `register_extension` of both takes it, and a server that wants no sign-in is paid as before.
# True: `create_siwx_client_extension` makes a hook that is a coroutine function. `x402ClientSync` takes the extension without a
#   word. At the first 402 that declares `sign-in-with-x` it raises TypeError, so the request is not paid at all, whatever else the
#   server offers. A 402 without the declaration is paid. With `x402Client` the same extension signs in.
# Why it matters: a program that pays a shop stops paying on the day on which the shop declares sign-ins beside its
#   prices. The error speaks of async hooks, although the program has none. Our plug-in has a hook without a coroutine for both.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'x402[evm,extensions,httpx,requests]==2.25.0'

cat > ask.py <<'EOF'
import asyncio
from importlib.metadata import version

from eth_account import Account
from x402 import x402Client, x402ClientSync
from x402.extensions.sign_in_with_x import CreateSIWxClientExtensionOptions, create_siwx_client_extension
from x402.http.x402_http_client import x402HTTPClient, x402HTTPClientSync
from x402.schemas import PaymentRequired

URL = "https://shop.example.com/ask"
CHALLENGE = {
    "info": {
        "domain": "shop.example.com",
        "uri": URL,
        "version": "1",
        "nonce": "0123456789abcdef",
        "issuedAt": "2026-11-30T12:00:00Z",
    },
    "supportedChains": [{"chainId": "eip155:8453", "type": "eip191"}],
    "schema": {},
}
plain = PaymentRequired(accepts=[])
with_sign_in = PaymentRequired(accepts=[], extensions={"sign-in-with-x": CHALLENGE})
options = CreateSIWxClientExtensionOptions(signers=[Account.create()])

sync = x402ClientSync().register_extension(create_siwx_client_extension(options))
print("x402", version("x402"))
assert x402HTTPClientSync(sync).handle_payment_required(plain, URL) is None
print("sync client, 402 without a declaration: goes on to the payment")
try:
    x402HTTPClientSync(sync).handle_payment_required(with_sign_in, URL)
except TypeError as error:
    print("sync client, 402 with a declaration: TypeError:", error)
else:
    raise SystemExit("the sync client signs in now")

either = x402Client().register_extension(create_siwx_client_extension(options))
headers = asyncio.run(x402HTTPClient(either).handle_payment_required(with_sign_in, URL))
assert list(headers) == ["sign-in-with-x"], headers
print("async client, 402 with a declaration: signs in")
EOF
venv/bin/python ask.py
