"""Names of orders: a text of the payer's own, which stands for one order however it is typed."""

from unicodedata import normalize

from eth_utils.crypto import keccak

from nvm_chain.errors import InvalidConfig


def parse_order_name(name: object) -> str:
    """Return a name as it counts: without blanks around it, and with its characters composed (Unicode NFC).

    So one name is one order, whichever keyboard, editor or file it comes from.

    Raises:
        InvalidConfig: The name is not text, is empty or blank, or cannot be printed.

    >>> parse_order_name(" invoice-17 ")
    'invoice-17'
    """
    parsed = normalize("NFC", name).strip() if isinstance(name, str) else ""
    if not parsed or not parsed.isprintable():
        raise InvalidConfig(f"the name of an order is a text of your own, such as 'invoice-17', not {name!r}")
    return parsed


def hash_order_name(name: object) -> bytes:
    """Return the salt that stands for a name, 32 bytes. Raises as `parse_order_name`."""
    return bytes(keccak(text=parse_order_name(name)))
