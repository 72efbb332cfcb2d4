"""Settings of a seller: its name and its tokens. A service names the seller to whom it belongs."""

import re
from dataclasses import dataclass

from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.sellers.tokens import SellerToken

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class SellerSettings:
    """A seller of the gateway, and the tokens with which it sees what belongs to it."""

    name: str
    tokens: tuple[SellerToken, ...] = ()

    def __post_init__(self) -> None:
        """Check the name, and that each token is there once. Raises InvalidConfig."""
        check_name(self.name)
        if len({token.digest for token in self.tokens}) < len(self.tokens):
            raise InvalidConfig(f"the seller {self.name} has a token twice", "give each role a token of its own")


def check_name(name: str) -> str:
    """Return the name of a seller if it can be one. Raises InvalidConfig."""
    if not _NAME.fullmatch(name):
        raise InvalidConfig(f"{name[:40]!r} is not the name of a seller", "give small letters, digits, - _ and .")
    return name
