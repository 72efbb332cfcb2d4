"""Measure how fast vouchers are verified and signed, as ratios to the bare library calls: part of `make bench`.

All ways take turns in one process, so what else the machine does slows them alike; of each the fastest round counts.
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

ROUNDS = 25
CHAIN_ID = 84532
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
REDEEMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
DEADLINE = 2**40
KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""Of the second account of development nodes."""


def main() -> None:
    """Measure, and print a table."""
    times = measure(build_ways())
    bare = times["bare libsecp256k1 recover"]
    print(f"{'':<36}{'µs':>8}{'per second':>12}{'of bare recover':>18}")
    for name, seconds in times.items():
        print(f"{name:<36}{seconds * 1e6:>8.1f}{1 / seconds:>12,.0f}{bare / seconds:>17.0%}")
    reached, of_public = (
        times[way] / times["verify a voucher"] for way in ("bare libsecp256k1 recover", "coincurve's recover")
    )
    print(f"Verifying reaches {reached:.1%} of bare recover (aim ≥ 80%), {of_public:.1%} of coincurve's.")


def build_ways() -> dict[str, Callable[[], object]]:
    """Return each way to measure, by name, without parameters."""
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
        "bare libsecp256k1 recover": lambda: lib.secp256k1_ecdsa_recover(GLOBAL_CONTEXT.ctx, room, parsed, digest),
        "coincurve's recover": lambda: PublicKey.from_signature_and_message(recoverable, digest, hasher=None),
        "verify a voucher": lambda: verifier.verify(signed, **expected),
        "read from JSON and verify": lambda: verifier.verify(SignedVoucher.from_json(text), **expected),
        "verify, eth-account's typed data": lambda: Account.recover_message(
            encode_typed_data(*data), signature=signed.signature
        ),
        "sign a voucher": lambda: sign_voucher(signer, voucher, chain_id=CHAIN_ID, contract=CONTRACT),
        "sign, eth-account's typed data": lambda: signer.sign_typed_data(*data),
        "hash a voucher": lambda: verifier.hash(voucher),
        "keccak of 32 bytes": lambda: sha3.keccak_256(digest).digest(),
    }


def measure(ways: dict[str, Callable[[], object]], calls: int = 200) -> dict[str, float]:
    """Return the seconds per call of each, in the fastest of some rounds."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, call in ways.items():
            start = time.perf_counter()
            for _ in range(calls):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / calls)
    return best


if __name__ == "__main__":
    main()
