"""Fast encoding and decoding of calls. web3's own checks of each argument would take most of a test's time."""

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import EncodingError
from eth_utils.abi import get_abi_input_types, get_abi_output_types
from eth_utils.address import to_checksum_address
from web3.contract.contract import ContractFunction


def encode_call(function: ContractFunction) -> str:
    """Return the data of a call. web3 encodes arguments that only web3 accepts, such as bytes as text."""
    try:
        encoded = encode(get_abi_input_types(function.abi), function.arguments)
    except (EncodingError, TypeError):
        return str(function._encode_transaction_data())
    return str(function.selector) + encoded.hex()


def is_plain(function: ContractFunction) -> bool:
    """Return whether a function returns only values, and structs without lists."""
    types = get_abi_output_types(function.abi)
    return bool(types) and not any("]" in name for name in types)


def decode_result(function: ContractFunction, result: bytes) -> Any:
    """Decode the answer of a function for which `is_plain` holds, as web3 does."""
    outputs: Any = function.abi["outputs"]
    values = decode(get_abi_output_types(function.abi), result)
    given = [_spell(item, value) for item, value in zip(outputs, values, strict=True)]
    return given[0] if len(given) == 1 else given


def _spell(item: Mapping[str, Any], value: Any) -> Any:
    """Return a value with all addresses in checksum form."""
    if item["type"] == "tuple":
        return tuple(_spell(part, inner) for part, inner in zip(item["components"], value, strict=True))
    return to_checksum_address(value) if item["type"] == "address" else value
