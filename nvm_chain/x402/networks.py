"""Chains by their names of CAIP-2, as x402 writes them."""

from typing import Final

from nvm_chain.errors import InvalidMessage

_NOUN: Final = "offer"
_MOST_DIGITS: Final = 78


def format_network(chain_id: int) -> str:
    """Return the name of a chain by CAIP-2.

    >>> format_network(8453)
    'eip155:8453'
    """
    return f"eip155:{chain_id}"


def parse_network(text: object) -> int:
    """Return the id of a chain from its name by CAIP-2. Raises InvalidMessage."""
    prefix, _, number = str(text).partition(":")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS
    if prefix != "eip155" or not is_number or number.startswith("0"):
        raise InvalidMessage(_NOUN, f"its network is {ascii(text)[:40]}, and not a chain such as eip155:8453")
    return int(number)
