"""What a token is called in words: its symbol and its decimals."""

from dataclasses import dataclass

from nvm_chain.errors.fields import Quantity


@dataclass(frozen=True, slots=True)
class TokenLabel:
    """Symbol and decimals of a token. ``is_known`` is False if only the token itself says so."""

    symbol: str
    decimals: Quantity
    is_known: bool = True
