"""Calls encoded and their results decoded without the looks that web3 takes at each argument: they take most of a test's time."""

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import EncodingError
from eth_utils.abi import get_abi_input_types, get_abi_output_types
from eth_utils.address import to_checksum_address
from web3.contract.contract import ContractFunction

_PLAIN = ("uint", "int", "bool", "bytes", "string", "address")


def encode_call(function: ContractFunction) -> str:
    """Return the data of a call; as web3 does where an argument is in a form that only web3 takes, such as bytes as text."""
    try:
        encoded = encode(get_abi_input_types(function.abi), function.arguments)
    except (EncodingError, TypeError):
        return str(function._encode_transaction_data())
    return str(function.selector) + encoded.hex()


def is_plain(function: ContractFunction) -> bool:
    """Tell whether a call returns one or more values that are neither lists nor structs."""
    types = get_abi_output_types(function.abi)
    return bool(types) and all(name.startswith(_PLAIN) and not name.endswith("]") for name in types)


def decode_result(function: ContractFunction, result: bytes) -> Any:
    """Return what a call returned, as web3 gives it, of a function that `is_plain`."""
    types = get_abi_output_types(function.abi)
    values = [
        to_checksum_address(value) if name == "address" else value
        for name, value in zip(types, decode(types, result), strict=True)
    ]
    return values[0] if len(values) == 1 else values


