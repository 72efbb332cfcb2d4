"""The committed vectors of signed values, as types of this package."""

import json
from pathlib import Path
from typing import Any

from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.permits import Permit
from nvm_chain.signing.signed_orders import OrderAuthorization
from nvm_chain.signing.vouchers import Voucher

FOLDER = Path(__file__).parent.parent / "vectors"
VOUCHERS: dict[str, Any] = json.loads((FOLDER / "vouchers.json").read_text("utf-8"))
AUTHORIZATIONS: dict[str, Any] = json.loads((FOLDER / "authorization_nonces.json").read_text("utf-8"))


def name(vector: dict[str, Any]) -> str:
    """Return the name of a vector, for test ids."""
    return str(vector["name"])


def read_hex(text: str) -> bytes:
    """Return the bytes of text with 0x and hexadecimal digits."""
    return bytes.fromhex(text.removeprefix("0x"))


def read_domain(vector: dict[str, Any]) -> Domain:
    """Return a domain in the form of EIP-712."""
    return Domain(vector["name"], vector["version"], int(vector["chainId"]), vector["verifyingContract"])


def read_voucher(vector: dict[str, Any]) -> Voucher:
    """Return the voucher of a vector."""
    fields = vector["voucher"]
    numbers = {"plan_id": fields["planId"], "ceiling": fields["ceiling"], "deadline": fields["deadline"]}
    return Voucher(
        holder=fields["holder"],
        redeemer=fields["redeemer"],
        context=read_hex(fields["context"]),
        **{field: int(number) for field, number in numbers.items()},
    )


def read_order(vector: dict[str, Any]) -> OrderAuthorization:
    """Return the order of a vector."""
    fields = vector["order"]
    return OrderAuthorization(
        plan_id=int(fields["planId"]),
        payer=fields["payer"],
        receiver=fields["receiver"],
        quantity=int(fields["quantity"]),
        max_cost=int(fields["maxCost"]),
        valid_after=int(fields["validAfter"]),
        valid_before=int(fields["validBefore"]),
        salt=read_hex(fields["salt"]),
    )


def read_permit(vector: dict[str, Any]) -> Permit:
    """Return the permit of a vector."""
    fields = vector["permit"]
    return Permit(
        fields["owner"], fields["spender"], int(fields["value"]), int(fields["nonce"]), int(fields["deadline"])
    )
