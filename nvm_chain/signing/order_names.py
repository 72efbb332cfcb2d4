"""Names of orders, which the payer chooses. Blanks around a name, and its form in Unicode, make no difference."""

from unicodedata import normalize

from eth_utils.crypto import keccak

from nvm_chain.errors import InvalidConfig


def parse_order_name(name: object) -> str:
    """Return a name in its canonical form: without blanks around it, and with composed characters (Unicode NFC).

    So a name from any keyboard, editor or file stands for the same order.

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
    """Return the salt of a named order, 32 bytes: the keccak-256 hash of the name. Raises InvalidConfig."""
    return bytes(keccak(text=parse_order_name(name)))
