"""Times to verify and sign vouchers, as ratios to the bare library calls. It is part of `make bench`.

All ways take turns in one process, so other work on the machine slows all of them. The fastest round of each counts.

`python -m tests.bench vouchers --json` prints one JSON object.
"""

import time
from collections.abc import Callable
from typing import Any

import sha3
from coincurve import PublicKey
from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]  # compiled, without types
from coincurve.context import GLOBAL_CONTEXT
from coincurve.ecdsa import deserialize_recoverable
from eth_account import Account
from eth_account.messages import encode_typed_data

from nvm_chain.signing.vouchers import VOUCHER, SignedVoucher, VoucherVerifier, build_voucher, sign_voucher
from tests.bench.figures import Figure

BARE, VERIFY = "bare libsecp256k1 recover", "verify a voucher"
ROUNDS = 250
CHAIN_ID = 84532
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
REDEEMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
DEADLINE = 2**40
KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""The private key of the second account of development nodes."""


def measure() -> dict[str, Figure]:
    """Return the figures for the verification and the signature of vouchers."""
    return compare(time_ways(build_ways()))


def compare(times: dict[str, float]) -> dict[str, Figure]:
    """Return the figures to print, from the seconds of each way."""

    def ratio(ours: str, theirs: str, unit: str, aim: str) -> Figure:
        return {"value": round(times[theirs] / times[ours], 2), "unit": unit, "aim": aim}

    return {
        "verify_voucher": {"value": round(1 / times[VERIFY]), "unit": "per second", "aim": ""},
        "against_recover": ratio(VERIFY, BARE, "x bare libsecp256k1 recover", ">= 0.8"),
        "against_coincurve": ratio(VERIFY, "coincurve's recover", "x coincurve's recover", ""),
        "against_eth_account": ratio(VERIFY, "verify, eth-account's typed data", "x eth-account with coincurve", ""),
        "signing": ratio("sign a voucher", "sign, eth-account's typed data", "x eth-account with coincurve", ""),
    }


def build_ways() -> dict[str, Callable[[], object]]:
    """Return the ways to measure, by name, as functions without parameters."""
    signer = Account.from_key(KEY)
    voucher = build_voucher(
        2**255 + 1, holder=signer.address, redeemer=REDEEMER, ceiling=40, deadline=DEADLINE, context="request-1"
    )
    signed = sign_voucher(signer, voucher, chain_id=CHAIN_ID, contract=CONTRACT)
    text = signed.to_json()
    verifier = VoucherVerifier(CHAIN_ID, CONTRACT)
    expected: dict[str, Any] = {"plan_id": voucher.plan_id, "redeemer": REDEEMER, "now": DEADLINE}
    digest = verifier.hash(voucher)
    data = (verifier.domain.as_data(), VOUCHER.as_types(), VOUCHER.as_message(voucher.as_tuple()))

    recoverable = signed.signature[:64] + bytes([signed.signature[64] - 27])
    parsed, room = deserialize_recoverable(recoverable), ffi.new("secp256k1_pubkey *")
    return {
        BARE: lambda: lib.secp256k1_ecdsa_recover(GLOBAL_CONTEXT.ctx, room, parsed, digest),
        "coincurve's recover": lambda: PublicKey.from_signature_and_message(recoverable, digest, hasher=None),
        VERIFY: lambda: verifier.verify(signed, **expected),
        "read from JSON and verify": lambda: verifier.verify(SignedVoucher.from_json(text), **expected),
        "verify, eth-account's typed data": lambda: Account.recover_message(
            encode_typed_data(*data), signature=signed.signature
        ),
        "sign a voucher": lambda: sign_voucher(signer, voucher, chain_id=CHAIN_ID, contract=CONTRACT),
        "sign, eth-account's typed data": lambda: signer.sign_typed_data(*data),
        "hash a voucher": lambda: verifier.hash(voucher),
        "keccak of 32 bytes": lambda: sha3.keccak_256(digest).digest(),
    }


def time_ways(ways: dict[str, Callable[[], object]], calls: int = 20) -> dict[str, float]:
    """Return the seconds per call of each way, from its fastest round."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, call in ways.items():
            start = time.perf_counter()
            for _ in range(calls):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / calls)
    return best
