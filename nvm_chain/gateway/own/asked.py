"""What is asked of the gateway itself, and how the body of such a request is read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from msgspec import DecodeError, ValidationError, json

from nvm_chain.errors import InvalidMessage
from nvm_chain.gateway.bodies import MAX_SHORT, Body
from nvm_chain.gateway.catalogue import SoldService
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.serving import read_start

Kind = TypeVar("Kind")
GATEWAY: Final = "the gateway"
"""How errors name the gateway, where they would name a service."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to the gateway itself. ``service`` is there if it came to the own host of a service."""

    path: str
    incoming: Incoming
    body: Body
    service: SoldService | None = None


Action = Callable[[Asked], Awaitable[Any]]
"""Returns what is answered as JSON, or as bytes of the metrics."""


async def read_json(body: Body, kind: type[Kind]) -> Kind:
    """Return the body of a request. Raises InvalidMessage or BuyerGone."""
    await read_start(body)
    if not body.is_short:
        raise InvalidMessage("request", f"its body has more than {MAX_SHORT:,} bytes")
    try:
        return json.decode(body.start, type=kind)
    except (DecodeError, ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidMessage("request", f"its body is not the JSON that belongs here ({error})") from None


def read_hex(text: str) -> bytes:
    """Return the bytes of a signature. Raises InvalidMessage."""
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise InvalidMessage("signature", "it is not hexadecimal digits") from None
