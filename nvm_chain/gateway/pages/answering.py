"""What the addresses of all pages have in common: how a question is read, how an answer is written, and how errors are told."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

from msgspec import json

from nvm_chain.errors import InvalidMessage, NvmChainError
from nvm_chain.gateway.bodies import BuyerGone
from nvm_chain.gateway.incoming import Incoming
from nvm_chain.gateway.refusals import Refusal, tell_refusal
from nvm_chain.gateway.serving import Refused

MAX_QUERY: Final = 1_000


def read_query(query: bytes) -> dict[str, str]:
    """Return the parameters of a query. Raises InvalidMessage for a long one."""
    if len(query) > MAX_QUERY:
        raise InvalidMessage("request", f"its query has more than {MAX_QUERY:,} bytes")
    return dict(parse_qsl(query.decode("latin-1")))


def tell_json(told: Any) -> Refusal:
    """Return the answer to a question of a page."""
    return Refusal(200, [(b"content-type", b"application/json"), (b"cache-control", b"no-store")], json.encode(told))


def refuse_method(name: str, *allowed: str) -> Refusal:
    """Return the answer to a request with a method that an address does not have."""
    refusal = tell_refusal(405, "NotFound", f"{name[:120]} is asked with {' or '.join(allowed)}.")
    refusal.headers.append((b"allow", ", ".join(allowed).encode()))
    return refusal


async def answer_page(
    incoming: Incoming, work: Awaitable[Refusal], tell_error: Callable[[NvmChainError], Refusal]
) -> Refusal | None:
    """Return what some work answers, or its error in words. None if nobody is there to be answered."""
    try:
        found = await work
    except BuyerGone:
        return None
    except Refused as refused:
        found = refused.refusal
    except NvmChainError as error:
        found = tell_error(error)
    if incoming.method != "HEAD":
        return found
    return Refusal(found.status, [*found.headers, (b"content-length", str(len(found.body)).encode())], b"")
