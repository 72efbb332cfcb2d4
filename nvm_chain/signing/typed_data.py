"""Typed data as text: the JSON that a wallet in a browser takes for ``eth_signTypedData_v4``."""

import json
from collections.abc import Sequence
from typing import Any, Final

from nvm_chain.signing.eip712 import Domain, StructType, Value

_DOMAIN: Final = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)


def format_typed_data(domain: Domain, struct: StructType, values: Sequence[Value]) -> str:
    """Write what is signed as JSON. Integers are decimal text, because programs in browsers round large numbers.

    Args:
        domain: The domain of the signature.
        struct: The type of the struct.
        values: The values of the struct, in the order of its type.
    """
    message = {name: _write(value) for name, value in struct.as_message(values).items()}
    types = {"EIP712Domain": [{"name": name, "type": kind} for name, kind in _DOMAIN], **struct.as_types()}
    told = {"types": types, "primaryType": struct.name, "domain": domain.as_data(), "message": message}
    return json.dumps(told, separators=(",", ":"))


def _write(value: Value) -> Any:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return str(value)
