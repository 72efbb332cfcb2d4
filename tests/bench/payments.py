"""Times to decode a payment header, as ratios to the official model of x402 for Python. It is part of `make bench`.

Both sides take turns in one process, over the same headers, so other work on the machine slows both. The fastest round of each counts.
The official side ends with texts, in a model whose payload is a dictionary. Ours is measured twice: as far as that, and until every
field is checked and typed, which the official side does later, in its verification.

`python -m tests.bench payments --json` prints one JSON object.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from eth_account import Account
from x402.http.utils import decode_payment_signature_header
from x402.mechanisms.evm.types import ExactEIP3009Payload

from nvm_chain.meter.bindings import build_binding
from nvm_chain.meter.bodies import hash_body
from nvm_chain.signing.authorizations import build_transfer_authorization, sign_transfer_authorization
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.vouchers import build_voucher, sign_voucher
from nvm_chain.x402.exact import ExactOffer, write_exact_payment
from nvm_chain.x402.offers import CreditsOffer
from nvm_chain.x402.payments import decode_payment, read_payment, write_payment
from nvm_chain.x402.vouchers import decode_payload
from tests.bench.figures import Figure

HEADERS: Final = 500
ROUNDS: Final = 20
KEY: Final = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""The private key of the second account of development nodes."""
CONTRACT: Final = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
SHOP: Final = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
CHAIN: Final = 84_532
DEADLINE: Final = 2**40
RESOURCE: Final = {"url": "https://gateway.example.com/services/did:nv:07/ask", "description": "Answers about tea"}


def measure() -> dict[str, Figure]:
    """Return the figures."""
    times = time_ways(build_ways())
    decoded, read = "decode a payment with credits", "read a payment with credits"
    return {
        "decode": _ratio(times, decoded, "official model, a payment with credits", "<= 0.4"),
        "read": _ratio(times, read, "official model, a payment with credits", ""),
        "read_transfer": _ratio(times, "read a transfer", "official model and payload, a transfer", ""),
        "decode_time": {"value": round(times[decoded] * 1e6, 1), "unit": "us CPU", "aim": ""},
        "read_time": {"value": round(times[read] * 1e6, 1), "unit": "us CPU", "aim": ""},
    }


def _ratio(times: dict[str, float], ours: str, theirs: str, aim: str) -> Figure:
    return {"value": round(times[ours] / times[theirs], 2), "unit": f"x CPU of the {theirs}", "aim": aim}


def build_ways() -> dict[str, tuple[Callable[[str], object], Sequence[str]]]:
    """Return the ways to measure by name: a function of a header, and the headers."""
    credits, transfers = build_credits_headers(), build_transfer_headers()
    return {
        "official model, a payment with credits": (decode_payment_signature_header, credits),
        "decode a payment with credits": (_decode, credits),
        "read a payment with credits": (read_payment, credits),
        "official model and payload, a transfer": (_read_official_transfer, transfers),
        "read a transfer": (read_payment, transfers),
    }


def _decode(header: str) -> object:
    """Decode a header until all of it is in typed structs of texts."""
    payload = decode_payload(decode_payment(header).payload)
    if payload is None:
        raise RuntimeError(header)
    return payload


def _read_official_transfer(header: str) -> object:
    return ExactEIP3009Payload.from_dict(decode_payment_signature_header(header).payload)


def build_credits_headers() -> list[str]:
    """Return payments with credits, each by another voucher for another request, that all accept the same offer."""
    signer = Account.from_key(KEY)
    offer = CreditsOffer(CHAIN, CONTRACT, 2**255 + 1, SHOP, 2, 120, f"did:nv:{7:064x}", "full").to_json()  # type: ignore[arg-type]
    headers = []
    for number in range(HEADERS):
        binding = build_binding(7, "POST", "/ask", hash_body(b"tea?"), f"request-{number:08}")
        voucher = build_voucher(
            *(2**255 + 1,),
            holder=signer.address,
            redeemer=SHOP,
            ceiling=2 + number,
            deadline=DEADLINE,
            context=binding.context,
        )
        headers.append(write_payment(offer, sign_voucher(signer, voucher, chain_id=CHAIN, contract=CONTRACT), binding))
    return headers


def build_transfer_headers() -> list[str]:
    """Return payments by signed transfers, as official clients write them."""
    signer, token = Account.from_key(KEY), Domain("USDC", "2", CHAIN, CONTRACT)  # type: ignore[arg-type]
    offer = ExactOffer(token, SHOP, 10_000, 300).to_json()  # type: ignore[arg-type]
    return [
        write_exact_payment(
            offer,
            sign_transfer_authorization(
                signer,
                build_transfer_authorization(payer=signer.address, payee=SHOP, value=10_000, valid_before=DEADLINE),
                token=token,
            ),
            resource=RESOURCE,
        )
        for _ in range(HEADERS)
    ]


def time_ways(ways: dict[str, tuple[Callable[[str], object], Sequence[str]]]) -> dict[str, float]:
    """Return the seconds of CPU for one header, by each way in its fastest round."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, (read, headers) in ways.items():
            began = time.process_time()
            for header in headers:
                read(header)
            best[name] = min(best[name], (time.process_time() - began) / len(headers))
    return best
