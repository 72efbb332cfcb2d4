"""Ids of plans and agents: parse them, write them as DIDs, and compute the id of a plan."""

import re
from typing import Final, TypeVar

from eth_abi.abi import encode
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from nvm_chain.errors import InvalidAgentId, InvalidPlanId
from nvm_chain.types.plans import Terms

DID_PREFIX: Final = "did:nv:"
IdError = TypeVar("IdError", InvalidPlanId, InvalidAgentId)
_DIGITS: Final = 64
_HEXADECIMAL: Final = re.compile(
    "(?:0x(?P<digits>[0-9a-f]{1,16}|[0-9a-f]{64})|did:nv:(?P<did>[0-9a-f]{64}))", re.IGNORECASE | re.ASCII
)
_INCOMPLETE: Final = re.compile("(?:0x|did:nv:)(?P<digits>[0-9a-f]{17,})", re.IGNORECASE | re.ASCII)
"""Hexadecimal text with 17 or more digits. If it does not have 64 digits, it may be an id with missing digits."""
_TERMS: Final = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"


def parse_plan_id(value: int | str) -> int:
    """Return a plan id given as an int, decimal text, ``0x`` and 64 hex digits, or a DID ``did:nv:<64 hex digits>``.

    Letter case, and blanks around the id, are ignored. ``0x`` with 1 to 16 digits is accepted for small numbers.

    Raises:
        InvalidPlanId: The value has another form. ``0x`` with 17 to 63 digits is refused, because digits may be missing
            by mistake.

    >>> parse_plan_id("did:nv:" + "0" * 62 + "ff"), parse_plan_id("255"), parse_plan_id("0xff")
    (255, 255, 255)
    """
    number = _parse_number(value)
    if number is None:
        raise _explain_digits(InvalidPlanId(value), value)
    return number


def parse_agent_id(value: int | str) -> int:
    """Return an agent id from any form that `parse_plan_id` accepts. Raises InvalidAgentId for 0 and for other values.

    >>> parse_agent_id("did:nv:" + "0" * 63 + "7"), parse_agent_id("7")
    (7, 7)
    """
    number = _parse_number(value)
    if not number:
        raise _explain_digits(InvalidAgentId(value), value)
    return number


def _explain_digits(error: IdError, value: object) -> IdError:
    """Add the number of missing or extra digits to the error of an incomplete id. Return the error.

    For an object that has an id, such as a plan, the error names the attribute.
    """
    attribute = {"InvalidPlanId": "plan_id", "InvalidAgentId": "agent_id"}[type(error).__name__]
    if isinstance(getattr(value, attribute, None), int):
        return error.explain(f"it is an object of {type(value).__name__}", f"give its attribute `{attribute}`")
    match = _INCOMPLETE.fullmatch(value.strip(" \t\r\n")) if isinstance(value, str) else None
    if match is None or len(match["digits"]) == _DIGITS:
        return error
    count = len(match["digits"])
    too = f"{_DIGITS - count} too few" if count < _DIGITS else f"{count - _DIGITS} too many"
    return error.explain(
        f"it has {count} hexadecimal digits, {too}",
        f"copy all of it: an id has {_DIGITS} digits, with its zeros in front",
    )


def _parse_number(value: object) -> int | None:
    """Return the number of an id, or None if the value is not an id of at most 256 bits."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else _parse_text(value)
    return number if number is not None and 0 <= number < 1 << 256 else None


def _parse_text(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    text = value.strip(" \t\r\n")
    if match := _HEXADECIMAL.fullmatch(text):
        return int(match["digits"] or match["did"], 16)
    return int(text) if re.fullmatch(r"[0-9]{1,78}", text) else None


def format_did(number: int) -> str:
    """Write the id of a plan or an agent as a DID.

    >>> format_did(255) == "did:nv:" + "0" * 62 + "ff"
    True
    """
    return f"{DID_PREFIX}{parse_plan_id(number):064x}"


def compute_plan_id(
    chain_id: int, contract: ChecksumAddress, creator: ChecksumAddress, terms: Terms, salt: bytes
) -> int:
    """Compute the id that a plan gets when ``creator`` registers ``terms`` with ``salt`` (32 bytes).

    The id is the keccak-256 hash of the ABI encoding of (chain id, contract, creator, terms, salt). No network.
    """
    types = ["uint256", "address", "address", _TERMS, "bytes32"]
    return int.from_bytes(keccak(encode(types, [chain_id, contract, creator, terms.as_tuple(), salt])), "big")
