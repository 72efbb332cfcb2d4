"""Amounts of a token in words. A token that only names itself is written with its address."""

from nvm_chain.errors.formatting import clip, format_money
from nvm_chain.types.token_labels import TokenLabel

MOST_SYMBOL = 16
"""The largest number of characters of a symbol."""


def write_money(base_units: int, token: str, label: TokenLabel | None) -> str:
    """Write an amount of a token for people, exactly.

    Args:
        base_units: The amount.
        token: The token's address.
        label: The token's symbol and decimals. None if they are not known, and then base units are written.

    >>> write_money(20_500_000, "0x11…", TokenLabel("USDC", 6))
    '20.5 USDC'
    >>> write_money(20_500_000, "0x11…", TokenLabel("USDC", 6, is_known=False))
    '20.5 USDC (token 0x11…)'
    >>> write_money(1, "0x11…", None)
    '1 base unit of token 0x11…'
    """
    if label is None:
        return f"{base_units} base unit{'' if base_units == 1 else 's'} of token {token}"
    return format_money(base_units, _name(token, label), label.decimals)


def write_token(token: str, label: TokenLabel | None) -> str:
    """Write which token it is.

    >>> write_token("0x11…", TokenLabel("USDC", 6)), write_token("0x11…", None)
    ('USDC', 'token 0x11…')
    """
    return f"token {token}" if label is None else _name(token, label)


def _name(token: str, label: TokenLabel) -> str:
    symbol = clip(label.symbol, MOST_SYMBOL)
    return symbol if label.is_known else f"{symbol} (token {token})"
