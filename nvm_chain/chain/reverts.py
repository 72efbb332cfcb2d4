"""Conversion of revert data into the errors of this package."""

import re
from ast import literal_eval
from contextlib import suppress
from functools import cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.errors import CONTRACT_ERRORS, Panicked, RevertedWithoutReason, RevertedWithReason, TransactionError

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_MAX_DATA = 4096
"""The largest revert data that is decoded, in bytes.

Known errors are far shorter. A hostile contract can send megabytes.
"""
_HALTED = re.compile(
    "revert|EVM error:? (?:\\w*OOG|OutOfGas|OutOfOffset|Stack\\w+|InvalidJump|\\w*Opcode\\w*|StateChange\\w+|CallTooDeep)"
    "|VM execution error|out ?of ?gas|(?:invalid|undefined|bad) (?:opcode|instruction|jump)"
    "|stack (?:under|over|limit|item)|return ?data (?:out of bounds|length)|gas uint64 overflow|write protection|max call depth",
    re.IGNORECASE,
)
"""Messages of nodes for a call that failed inside a contract without revert data."""


def decode_revert(data: bytes) -> TransactionError:
    """Return the error for revert data. Unknown or malformed data give RevertedWithoutReason. Never raises."""
    selector, arguments = data[:4], data[4:_MAX_DATA]
    try:
        if selector == _ERROR_STRING:
            # Old compilers, such as that of USDC, leave other bytes than zeros behind a text.
            return RevertedWithReason(decode(["string"], arguments, strict=False)[0])
        if selector == _PANIC:
            return Panicked(decode(["uint256"], arguments)[0])
        if selector in _error_table():
            name, types = _error_table()[selector]
            values = zip(types, decode(types, arguments), strict=True)
            return CONTRACT_ERRORS[name](*[_checksummed(kind, value) for kind, value in values])
    except (DecodingError, UnicodeDecodeError, OverflowError):
        pass
    return RevertedWithoutReason("0x" + data[:_MAX_DATA].hex())


def error_name(selector: bytes) -> str | None:
    """Return the name of the contract error with this 4-byte selector, or None if no contract has such an error."""
    found = _error_table().get(selector)
    return found[0] if found else None


@cache
def _error_table() -> dict[bytes, tuple[str, list[str]]]:
    table = {}
    for entry in (*read_artifact("Credits").abi, *read_artifact("AgentRegistry").abi):
        if entry["type"] == "error":
            types = [collapse_if_tuple(item) for item in entry["inputs"]]
            table[keccak(text=f"{entry['name']}({','.join(types)})")[:4]] = (entry["name"], types)
    return table


def _checksummed(kind: str, value: Any) -> Any:
    return to_checksum_address(value) if kind == "address" else value


def parse_rpc_error(error: object) -> bytes | None:
    """Return the revert data in the error of a JSON-RPC response, or None if the error does not have revert data."""
    data = error.get("data") if isinstance(error, dict) else None
    return _parse_hex(data.get("data") if isinstance(data, dict) else data)


def parse_revert_data(error: Exception) -> bytes | None:
    """Return the revert data of an exception from web3 or eth-tester, or None if the exception is not about a revert.

    The result is empty if the message tells of a failed call without data.
    """
    data = parse_rpc_error({"data": getattr(error, "data", None)})
    text = str(error).removeprefix("execution reverted: ")
    if data is None and type(error).__module__ == "eth_tester.exceptions" and text[:2] in ("b'", 'b"'):
        with suppress(SyntaxError, TypeError, ValueError):  # eth-tester writes revert data as a Python bytes literal
            return bytes(literal_eval(text))
    return b"" if data is None and _HALTED.search(str(error)) else data


def _parse_hex(text: object) -> bytes | None:
    if not isinstance(text, str) or not re.fullmatch("0x(?:[0-9a-fA-F]{2})*", text):
        return None
    return bytes.fromhex(text[2:])
